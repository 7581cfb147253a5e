using System.Net;
using Lamina.Linux.Network;

namespace Lamina.Server.Networks;

/// <summary>Whether the host already reaches a network's addresses some other way (pure): guests and host would then lose each other.</summary>
internal static class SubnetConflict
{
    /// <summary>The first route of the host that overlaps; null: none. A default route covers everything and is no conflict.</summary>
    /// <param name="subnet">The network's.</param>
    /// <param name="routes">The host's main table.</param>
    /// <param name="bridgeIndex">The network's own bridge, whose route is right.</param>
    public static NetworkRoute? Find(Subnet subnet, IEnumerable<NetworkRoute> routes, int? bridgeIndex) => Find(IPNetwork.Parse(subnet.ToString()), routes, bridgeIndex);

    public static NetworkRoute? Find(IPNetwork ours, IEnumerable<NetworkRoute> routes, int? bridgeIndex) =>
        routes.FirstOrDefault(route => route.Destination is { PrefixLength: > 0 } theirs
            && route.LinkIndex != bridgeIndex
            && theirs.BaseAddress.AddressFamily == ours.BaseAddress.AddressFamily
            && (theirs.Contains(ours.BaseAddress) || ours.Contains(theirs.BaseAddress)));
}
