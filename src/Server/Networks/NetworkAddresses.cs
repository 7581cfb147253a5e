using System.Net;
using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Networks;

/// <summary>Who has which address in a network (pure).</summary>
internal static class NetworkAddresses
{
    /// <summary>In the order of addresses; cards in a LAN, which have none of ours, by their MAC.</summary>
    public static IEnumerable<NetworkAddress> Of(CachedRecord<NetworkSpec> network, CacheSnapshot snapshot, Func<string, bool> maySee)
    {
        var (subnet, ipv6) = (Subnet.Parse(network.Record.Subnet), Ipv6Subnet.Parse(network.Record.Ipv6Subnet));
        var named = new HashSet<string>(StringComparer.Ordinal);
        return NetworkWorld.CardsOf(snapshot, network.Id)
            .OrderBy(card => card.Vm.CreateRevision)
            .Select(card => (card.Vm, Address: new NetworkAddress
            {
                Address = card.Nic.Address,
                Ipv6Address = NetworkPlan.Ipv6Of(subnet, ipv6, card.Nic.Address),
                Mac = card.Nic.Mac,
                Vm = card.Vm.Id,
                VmName = card.Vm.Record.Name,
                Slot = card.Nic.Slot,
                DnsName = named.Add(card.Vm.Record.Name) && subnet is not null ? $"{card.Vm.Record.Name}.{network.Record.DnsDomain ?? NetworkPlan.DefaultDomain}" : null,
            }))
            .ToArray()
            .Where(card => maySee(card.Vm.Record.Project))
            .Select(card => card.Address);
    }

    /// <summary>Addresses by their number, not by their letters.</summary>
    public static string SortKey(NetworkAddress address) =>
        $"{(address.Address is null ? "" : Convert.ToHexString(IPAddress.Parse(address.Address).GetAddressBytes()))} {address.Mac}";
}
