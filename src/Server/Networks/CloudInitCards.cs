using Lamina.Api;
using Lamina.Server.Isos;

namespace Lamina.Server.Networks;

/// <summary>How cloud-init shall set up a card (pure): by DHCP, and where the network has none, with the address that it was given.</summary>
internal static class CloudInitCards
{
    /// <param name="nic">The card.</param>
    /// <param name="network">Null: it belongs to none.</param>
    public static CloudInitNic Of(VmNic nic, NetworkSpec? network)
    {
        if (network is null || network.Kind == NetworkKind.Bridge || Subnet.Parse(network.Subnet) is not { } subnet || nic.Address is null) return new(nic.Mac);
        var ipv6 = Ipv6Subnet.Parse(network.Ipv6Subnet);
        if (network.Dhcp) return new(nic.Mac) { AsksIpv6 = ipv6 is not null };
        var isNat = network.Kind == NetworkKind.Nat;
        return new(nic.Mac, $"{nic.Address}/{subnet.PrefixLength}", isNat ? subnet.Gateway : null, [subnet.Gateway])
        {
            Ipv6Address = NetworkPlan.Ipv6Of(subnet, ipv6, nic.Address) is { } wide ? $"{wide}/{Ipv6Subnet.PrefixLength}" : null,
        };
    }
}
