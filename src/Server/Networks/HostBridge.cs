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
        var wanted = new LinkChange
        {
            Up = true,
            MtuBytes = network.MtuBytes,
            Mac = PhysicalAddress.Parse(network.BridgeMac),
            Alias = network.BridgeOwner,
        };
        if (bridge is null) Create(netlink, network, wanted);
        else if (!IsAsWanted(bridge, wanted)) netlink.Change(network.Bridge, wanted);
        ApplyAddress(netlink, network);
        Sysctl.EnableIPv4Forwarding();
    }

    /// <summary>Taps that are there already had another bridge of this name, which somebody deleted under running guests.</summary>
    private static void Create(Netlink netlink, PlannedNetwork network, LinkChange wanted)
    {
        netlink.CreateBridge(network.Bridge, wanted);
        var taps = network.Nics.Select(nic => nic.Tap).ToHashSet(StringComparer.Ordinal);
        foreach (var tap in netlink.ListLinks().Where(link => taps.Contains(link.Name) && link.MasterIndex is null))
            netlink.Change(tap.Name, new() { Master = network.Bridge });
    }

    /// <summary>A bridge without an alias is one whose maker died before it set it: the name alone, a hash, is ours.</summary>
    private static void RequireOurs(Link? link, PlannedNetwork network)
    {
        if (link is null || (link.Kind == "bridge" && (link.Alias ?? network.BridgeOwner) == network.BridgeOwner)) return;
        throw new ProblemException(
            ProblemKind.Conflict, "network.linkTaken",
            $"Network {network.Name} needs the link {network.Bridge}, but that is {link.Kind ?? "a device"} of {link.Alias ?? "somebody else"}.",
            $"Remove or rename that link: ip link delete {network.Bridge}");
    }

    private static void RequireFreeSubnet(Netlink netlink, PlannedNetwork network, int? bridgeIndex)
    {
        if (SubnetConflict.Find(network.Subnet, netlink.ListRoutes(), bridgeIndex) is not { } route) return;
        var through = netlink.ListLinks().FirstOrDefault(link => link.Index == route.LinkIndex)?.Name ?? "another link";
        throw new ProblemException(
            ProblemKind.Conflict, "network.subnetInUse",
            $"Network {network.Name} has the subnet {network.Subnet}, but this host already reaches {route.Destination} through {through}.",
            "Give the network another subnet ('network: { subnet: … }' in lamina.yaml, before the first start), or free that one on the host.");
    }

    private static bool IsAsWanted(Link bridge, LinkChange wanted) =>
        bridge.IsUp && bridge.MtuBytes == wanted.MtuBytes && bridge.Alias == wanted.Alias && Equals(bridge.Mac, wanted.Mac);

    /// <summary>One IPv4 address; one of an earlier subnet goes.</summary>
    private static void ApplyAddress(Netlink netlink, PlannedNetwork network)
    {
        var gateway = IPAddress.Parse(network.Subnet.Gateway);
        var index = netlink.FindLink(network.Bridge)!.Index;
        foreach (var other in netlink.ListAddresses(index).Where(held => held.Address.GetAddressBytes().Length == 4))
            if (!other.Address.Equals(gateway) || other.PrefixLength != network.Subnet.PrefixLength)
                netlink.RemoveAddress(network.Bridge, other.Address, other.PrefixLength);
        netlink.AddAddress(network.Bridge, gateway, network.Subnet.PrefixLength);
    }
}
