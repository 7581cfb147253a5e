using Lamina.Linux.Network;

namespace Lamina.Server.Networks;

/// <summary>Brings the way of one network to other hosts to where the plan says. Safe to repeat; a link that is not ours is refused, never touched.</summary>
internal static class HostOverlay
{
    /// <exception cref="ProblemException">A foreign link bears the name.</exception>
    public static void Apply(Netlink netlink, Instance instance, PlannedNetwork network)
    {
        var name = instance.LinkName(network.Id, OverlayPlan.Slot);
        var found = netlink.FindLink(name);
        if (network.Overlay is not { } overlay)
        {
            if (found?.Alias == instance.LinkOwner(network.Id, OverlayPlan.Slot)) netlink.DeleteLink(name);
            return;
        }

        RequireOurs(found, network, overlay);
        var index = Ensure(netlink, found, network, overlay);
        var (entries, behind) = netlink.ListForwarding(index);
        var change = OverlayPlan.Change(overlay.Entries, overlay.Behind, entries, behind);
        foreach (var entry in change.Set) netlink.SetForwarding(index, entry);
        foreach (var mac in change.SetBehind) netlink.SetBehind(index, mac);
        foreach (var entry in change.Remove) netlink.RemoveForwarding(index, entry);
        foreach (var mac in change.RemoveBehind) netlink.RemoveBehind(index, mac);
    }

    /// <summary>Another number, address or port needs another link: the kernel changes none of them.</summary>
    private static int Ensure(Netlink netlink, Link? found, PlannedNetwork network, PlannedOverlay overlay)
    {
        var wanted = new LinkChange { Alias = overlay.Owner, MtuBytes = network.MtuBytes, Master = network.Bridge, Up = true };
        if (found is not null && found.Vxlan != overlay.Vxlan)
        {
            netlink.DeleteLink(overlay.Link);
            found = null;
        }

        if (found is null) netlink.CreateVxlan(overlay.Link, overlay.Vxlan, wanted);
        else if (!IsAsWanted(netlink, found, wanted)) netlink.Change(overlay.Link, wanted);
        return netlink.FindLink(overlay.Link)!.Index;
    }

    private static bool IsAsWanted(Netlink netlink, Link found, LinkChange wanted) =>
        found.IsUp && found.Alias == wanted.Alias && found.MtuBytes == wanted.MtuBytes && found.MasterIndex is { } master && netlink.FindLink(wanted.Master!)?.Index == master;

    /// <summary>A VXLAN without an alias is one whose maker died before it set it.</summary>
    private static void RequireOurs(Link? link, PlannedNetwork network, PlannedOverlay overlay)
    {
        if (link is null || (link.Kind == "vxlan" && (link.Alias ?? overlay.Owner) == overlay.Owner)) return;
        throw new ProblemException(
            ProblemKind.Conflict, "network.linkTaken",
            $"Network {network.Name} needs the link {overlay.Link}, but that is {link.Kind ?? "a device"} of {link.Alias ?? "somebody else"}.",
            $"Remove or rename that link: ip link delete {overlay.Link}");
    }
}
