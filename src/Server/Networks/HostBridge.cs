using System.Net;
using System.Net.NetworkInformation;
using Lamina.Linux.Network;

namespace Lamina.Server.Networks;

/// <summary>Brings the bridge of one network to where the plan says. Safe to repeat; a link that is not ours is refused, never touched.</summary>
internal static class HostBridge
{
    /// <exception cref="ProblemException">A foreign link bears the name, or the host uses the subnet elsewhere.</exception>
    public static void Apply(Netlink netlink, PlannedNetwork network)
    {
        var bridge = netlink.FindLink(network.Bridge);
        RequireOurs(bridge, network);
        RequireFreeSubnet(netlink, network, bridge?.Index);
        RequireIpv6(network);
        var wanted = new LinkChange
        {
            Up = true,
            MtuBytes = network.MtuBytes,
            Mac = PhysicalAddress.Parse(network.BridgeMac),
            Alias = network.BridgeOwner,
        };
        if (bridge is null) Create(netlink, network, wanted);
        else if (!IsAsWanted(bridge, wanted)) netlink.Change(network.Bridge, wanted);
        if (network.Ipv6Subnet is not null) LetIpv6In(network.Bridge);
        ApplyAddresses(netlink, network);
        Sysctl.EnableIPv4Forwarding();
    }

    /// <summary>
    /// No search for duplicates: a bridge without a guest has no carrier, its addresses would stay tentative and dnsmasq could not listen. And what guests
    /// advertise is nothing to the host.
    /// </summary>
    private static void LetIpv6In(string bridge)
    {
        foreach (var (setting, value) in new[] { ("accept_dad", "0"), ("accept_ra", "0"), ("disable_ipv6", "0") }) Sysctl.Set($"net/ipv6/conf/{bridge}/{setting}", value);
    }

    private static void RequireIpv6(PlannedNetwork network)
    {
        if (network.Ipv6Subnet is null || Sysctl.Exists("net/ipv6")) return;
        throw new ProblemException(
            ProblemKind.Conflict, "network.ipv6Off", $"Network {network.Name} has IPv6, but it is switched off in this host's kernel.",
            $"Boot without ipv6.disable=1, or do without: lamina network set {network.Name} --ipv6 none");
    }

    /// <summary>Taps that are there already had another bridge of this name, which somebody deleted under running guests.</summary>
    public static void Create(Netlink netlink, PlannedNetwork network, LinkChange wanted)
    {
        netlink.CreateBridge(network.Bridge, wanted);
        var taps = network.Nics.Select(nic => nic.Tap).ToHashSet(StringComparer.Ordinal);
        foreach (var tap in netlink.ListLinks().Where(link => taps.Contains(link.Name) && link.MasterIndex is null))
            netlink.Change(tap.Name, new() { Master = network.Bridge });
    }

    /// <summary>A bridge without an alias is one whose maker died before it set it: the name alone, a hash, is ours.</summary>
    public static void RequireOurs(Link? link, PlannedNetwork network)
    {
        if (link is null || (link.Kind == "bridge" && (link.Alias ?? network.BridgeOwner) == network.BridgeOwner)) return;
        throw new ProblemException(
            ProblemKind.Conflict, "network.linkTaken",
            $"Network {network.Name} needs the link {network.Bridge}, but that is {link.Kind ?? "a device"} of {link.Alias ?? "somebody else"}.",
            $"Remove or rename that link: ip link delete {network.Bridge}");
    }

    private static void RequireFreeSubnet(Netlink netlink, PlannedNetwork network, int? bridgeIndex)
    {
        if (SubnetConflict.Find(network.Subnet!.Value, netlink.ListRoutes(), bridgeIndex) is not { } route) return;
        var through = netlink.ListLinks().FirstOrDefault(link => link.Index == route.LinkIndex)?.Name ?? "another link";
        throw new ProblemException(
            ProblemKind.Conflict, "network.subnetInUse",
            $"Network {network.Name} has the subnet {network.Subnet}, but this host already reaches {route.Destination} through {through}.",
            $"Give the network another subnet, 'lamina network set {network.Name} --subnet …', or free that one on the host.");
    }

    public static bool IsAsWanted(Link bridge, LinkChange wanted) =>
        bridge.IsUp && bridge.MtuBytes == wanted.MtuBytes && bridge.Alias == wanted.Alias && Equals(bridge.Mac, wanted.Mac);

    /// <summary>One address of each family; those of an earlier subnet go. What the kernel made of the link itself stays.</summary>
    private static void ApplyAddresses(Netlink netlink, PlannedNetwork network)
    {
        List<(IPAddress Address, int PrefixLength)> wanted = [(IPAddress.Parse(network.Subnet!.Value.Gateway), network.Subnet.Value.PrefixLength)];
        if (network.Ipv6Subnet is { } ipv6) wanted.Add((IPAddress.Parse(ipv6.Gateway), Ipv6Subnet.PrefixLength));
        var index = netlink.FindLink(network.Bridge)!.Index;
        foreach (var held in netlink.ListAddresses(index).Where(held => !held.Address.IsIPv6LinkLocal))
            if (!wanted.Contains((held.Address, held.PrefixLength)))
                netlink.RemoveAddress(network.Bridge, held.Address, held.PrefixLength);
        foreach (var (address, prefixLength) in wanted) netlink.AddAddress(network.Bridge, address, prefixLength);
    }
}
