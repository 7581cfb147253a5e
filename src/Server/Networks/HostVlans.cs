using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Network;

namespace Lamina.Server.Networks;

/// <summary>
/// Networks that are VLANs of a card: for each a link that takes the frames of one tag from the card, in a bridge of its own. The kernel gives such a link its
/// frames before a bridge on the card sees them, so that a network without a tag may stand on the same card. No address of the host is moved: nothing here can
/// cut it off. Safe to repeat; a link that is not ours is refused, never touched.
/// </summary>
internal static class HostVlans
{
    public const string Slot = "vlan";

    /// <exception cref="ProblemException">The card cannot be used, the tag is taken, or the kernel knows no VLANs.</exception>
    public static NetworkUplink Apply(Netlink netlink, Instance instance, PlannedNetwork network, int vlan)
    {
        var facts = UplinkFacts.Read(netlink, network.Uplink!.Device);
        if (UplinkRules.RefuseVlan(facts, vlan) is { } refusal) throw refusal;
        var name = instance.LinkName(network.Id, Slot);
        var owner = instance.LinkOwner(network.Id, Slot);
        var found = netlink.FindLink(name);
        RequireOurs(found, owner, network);
        var bridge = netlink.FindLink(network.Bridge);
        HostBridge.RequireOurs(bridge, network);
        if (!facts.Link!.IsUp) netlink.Change(facts.Device, new() { Up = true });
        var way = Ensure(netlink, found, facts, new Way(name, owner, vlan), network);
        try
        {
            EnsureBridge(netlink, bridge, facts.Link, network);
            Join(netlink, way, network);
        }
        catch (LinuxException) when (way != found)
        {
            netlink.DeleteLink(name); // without its bridge it would only keep the tag from others
            throw;
        }

        return new() { Device = facts.Device, State = UplinkState.Confirmed };
    }

    /// <summary>A bridge that somebody else made passes only tags that were given to its ports; told by sysfs, which shows the namespace that it was mounted in.</summary>
    public static bool IsFiltering(string bridge)
    {
        var setting = $"/sys/class/net/{bridge}/bridge/vlan_filtering";
        return File.Exists(setting) && File.ReadAllText(setting).Trim() == "1";
    }

    /// <summary>Another tag or card needs another link: the kernel changes neither.</summary>
    private static Link Ensure(Netlink netlink, Link? found, UplinkFacts facts, Way wanted, PlannedNetwork network)
    {
        if (found is { Kind: "vlan" } && found.Vlan == wanted.Vlan && found.ParentIndex == facts.Link!.Index) return found;
        if (found is not null) netlink.DeleteLink(found.Name);
        try
        {
            netlink.CreateVlan(wanted.Name, facts.Device, wanted.Vlan, new() { Alias = wanted.Owner, MtuBytes = network.MtuBytes });
        }
        catch (LinuxException unknown) when (unknown.ErrorNumber == Errno.NotSupported)
        {
            throw ProblemException.Conflict(
                "network.vlanUnsupported", $"Network {network.Name} is VLAN {wanted.Vlan} of {facts.Device}, and this host's kernel knows no VLANs.",
                "Load the module, 'modprobe 8021q', or boot a kernel that has it: those of distributions do.");
        }
        catch (LinuxException taken) when (taken.ErrorNumber == Errno.Exists)
        {
            throw ProblemException.Conflict(
                "network.vlanTaken", $"Network {network.Name} is VLAN {wanted.Vlan} of {facts.Device}, and another link takes the frames of that tag already.", "See which: ip -d link show type vlan");
        }

        return netlink.FindLink(wanted.Name)!;
    }

    /// <summary>The host has no part in the VLAN: not even the address that the kernel would make up for the link.</summary>
    private static void EnsureBridge(Netlink netlink, Link? bridge, Link card, PlannedNetwork network)
    {
        var wanted = new LinkChange { Up = true, MtuBytes = network.MtuBytes, Mac = card.Mac, Alias = network.BridgeOwner };
        if (bridge is null)
        {
            HostBridge.Create(netlink, network, wanted with { Up = null });
            RefuseIpv6(network.Bridge);
        }

        if (bridge is null || !HostBridge.IsAsWanted(bridge, wanted)) netlink.Change(network.Bridge, wanted);
    }

    private static void Join(Netlink netlink, Link way, PlannedNetwork network)
    {
        if (way.IsUp && way.MtuBytes == network.MtuBytes && way.MasterIndex is { } master && netlink.FindLink(network.Bridge)?.Index == master) return;
        RefuseIpv6(way.Name);
        netlink.Change(way.Name, new() { MtuBytes = network.MtuBytes, Master = network.Bridge, Up = true });
    }

    private static void RefuseIpv6(string link)
    {
        if (Sysctl.Exists($"net/ipv6/conf/{link}")) Sysctl.Set($"net/ipv6/conf/{link}/disable_ipv6", "1");
    }

    /// <summary>One without an alias is ours whose maker died before it set it.</summary>
    private static void RequireOurs(Link? link, string owner, PlannedNetwork network)
    {
        if (link is null || (link.Kind == "vlan" && (link.Alias ?? owner) == owner)) return;
        throw ProblemException.Conflict(
            "network.linkTaken", $"Network {network.Name} needs the link {link.Name}, but that is {link.Kind ?? "a device"} of {link.Alias ?? "somebody else"}.",
            $"Remove or rename that link: ip link delete {link.Name}");
    }

    /// <summary>The link that takes the frames of a tag, as it shall be.</summary>
    private sealed record Way(string Name, string Owner, int Vlan);
}
