using System.Net.Sockets;
using Lamina.Api;
using Lamina.Linux.Network;

namespace Lamina.Server.Networks;

/// <summary>IPv6 from guests to the world: only where the host reaches it itself.</summary>
internal static class HostIpv6
{
    private const string Forwarding = "net/ipv6/conf/all/forwarding";

    /// <summary>The plan with the host's facts in it; makes the host pass packets on where a network needs that.</summary>
    public static IReadOnlyList<PlannedNetwork> Apply(Netlink netlink, IReadOnlyList<PlannedNetwork> plan)
    {
        if (!plan.Any(NeedsWayOut)) return plan;
        int[] ways = [.. netlink.ListRoutes().Where(route => route.Destination is null && route.Gateway?.AddressFamily == AddressFamily.InterNetworkV6).Select(route => route.LinkIndex).OfType<int>()];
        if (ways.Length == 0) return plan;
        if (Sysctl.Read(Forwarding) != "1") LetThrough(netlink, ways);
        return [.. plan.Select(network => network with { HasIpv6WayOut = NeedsWayOut(network) })];
    }

    private static bool NeedsWayOut(PlannedNetwork network) => network is { Kind: NetworkKind.Nat, Ipv6Subnet: not null };

    /// <summary>
    /// A host that passes packets on believes no router's advertisement any more, and drops the routes that it has by them, unless told to go on (accept_ra = 2; kernel
    /// documentation, ip-sysctl): without this a network of guests would cost the host its own IPv6.
    /// </summary>
    private static void LetThrough(Netlink netlink, int[] ways)
    {
        foreach (var link in netlink.ListLinks().Where(link => ways.Contains(link.Index)))
            if (Sysctl.Read($"net/ipv6/conf/{link.Name}/accept_ra") == "1")
                Sysctl.Set($"net/ipv6/conf/{link.Name}/accept_ra", "2");
        Sysctl.Set(Forwarding, "1");
    }
}
