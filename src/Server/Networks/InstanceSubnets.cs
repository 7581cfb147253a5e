using Lamina.Linux.Network;

namespace Lamina.Server.Networks;

/// <summary>Whether the subnet that a number brings is free on this host: a daemon that was killed may have left its bridge behind, or the LAN may have it.</summary>
internal static class InstanceSubnets
{
    /// <summary>True when the host reaches the number's subnet already, and not by a bridge of this instance itself.</summary>
    public static bool IsTaken(Instance instance)
    {
        using var netlink = new Netlink();
        return IsTaken(instance, netlink.ListLinks(), netlink.ListRoutes());
    }

    /// <summary>The same, of these links and routes (pure).</summary>
    public static bool IsTaken(Instance instance, IReadOnlyList<Link> links, IReadOnlyList<NetworkRoute> routes)
    {
        var own = links.Where(link => LinkOwner.Parse(link.Alias ?? "")?.Instance == instance.Name).Select(link => link.Index).ToHashSet();
        return SubnetConflict.Find(Subnet.Parse(instance.DefaultSubnet)!.Value, routes.Where(route => route.LinkIndex is not { } index || !own.Contains(index)), null) is not null;
    }

    /// <summary>Bridges of other instances that have neither a run folder nor data any more.</summary>
    public static IReadOnlyList<string> LeftoversOf(IReadOnlyList<Link> links, Instance instance) =>
    [
        .. links.Where(link => link.Kind == "bridge")
            .Select(link => (link.Name, Owner: LinkOwner.Parse(link.Alias ?? "")))
            .Where(link => link.Owner is not null && link.Owner.Instance != instance.Name && link.Owner.Instance != Instance.DefaultName)
            .Where(link => !Directory.Exists($"/run/lamina-{link.Owner!.Instance}") && !Directory.Exists($"/var/lib/lamina-{link.Owner.Instance}"))
            .Select(link => $"{link.Name} of instance {link.Owner!.Instance}"),
    ];
}
