using System.Security.Cryptography;
using System.Text;
using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Networks;

/// <summary>From the records to what this host shall have (pure): dnsmasq, nftables and the links only render it.</summary>
internal static class NetworkPlan
{
    /// <summary>.internal is reserved for private use.</summary>
    public const string DefaultDomain = "lamina.internal";

    public const string BridgeSlot = "bridge";

    /// <summary>The networks, in the order of their ids; one whose subnet is none is left out (<see cref="NetworkStatuses"/> tells it).</summary>
    public static IReadOnlyList<PlannedNetwork> From(Instance instance, CacheSnapshot snapshot)
    {
        var nics = snapshot.All(Keys.Vms.Spec)
            .OrderBy(vm => vm.CreateRevision) // the older one keeps a name that two projects use
            .SelectMany(vm => vm.Record.Nics.Select(nic => (Vm: vm, Nic: nic)))
            .Where(pair => pair.Nic is { Kind: NicKind.Network, Network: not null })
            .ToLookup(pair => pair.Nic.Network!);
        return [.. Present(snapshot).Select(network => From(instance, network, nics[network.Id])).OfType<PlannedNetwork>()];
    }

    /// <summary>All networks but those that are being deleted and that no card uses.</summary>
    public static IEnumerable<CachedRecord<NetworkSpec>> Present(CacheSnapshot snapshot) =>
        snapshot.All(Keys.Networks.Spec).Where(network => network.Record.Deleting is null || NetworkWorld.CardsOf(snapshot, network.Id).Any());

    /// <summary>The name of a card's tap, whether it is there or not.</summary>
    public static string TapOf(Instance instance, string vmId, int slot) => instance.LinkName(vmId, TapSlot(slot));

    /// <summary>The taps of all cards of all VMs.</summary>
    public static IEnumerable<string> TapsOf(Instance instance, CacheSnapshot snapshot) =>
        snapshot.All(Keys.Vms.Spec).SelectMany(vm => vm.Record.Nics.Select(nic => TapOf(instance, vm.Id, nic.Slot)));

    public static string TapOwner(Instance instance, string vmId, int slot) => instance.LinkOwner(vmId, TapSlot(slot));

    private static string TapSlot(int slot) => $"nic{slot}";

    private static PlannedNetwork? From(
        Instance instance, CachedRecord<NetworkSpec> network, IEnumerable<(CachedRecord<VmSpec> Vm, VmNic Nic)> nics)
    {
        var spec = network.Record;
        var subnet = Subnet.Parse(spec.Subnet);
        if (subnet is null != (spec.Kind == NetworkKind.Bridge) || (spec.Kind == NetworkKind.Bridge && spec.Bridge is null)) return null;
        var ipv6 = Networks.Ipv6Subnet.Parse(spec.Ipv6Subnet);
        var named = new HashSet<string>(StringComparer.Ordinal);
        PlannedNic[] planned = [.. nics
            .Where(pair => subnet is not { } held || (pair.Nic.Address is { } address && held.HoldsGuest(address)))
            .Select(pair => Plan(instance, pair.Vm, pair.Nic, subnet, ipv6, named))
            .OrderBy(nic => nic.Tap, StringComparer.Ordinal)];
        return new()
        {
            Id = network.Id,
            Name = spec.Name,
            Kind = spec.Kind,
            Bridge = spec.Bridge is { Existing: true, Vlan: null } theirs ? theirs.Device : instance.LinkName(network.Id, BridgeSlot),
            BridgeOwner = instance.LinkOwner(network.Id, BridgeSlot),
            BridgeMac = MacOf(network.Id),
            Subnet = subnet,
            Ipv6Subnet = subnet is null ? null : ipv6,
            MtuBytes = spec.Mtu,
            Domain = spec.DnsDomain ?? DefaultDomain,
            Dhcp = spec.Dhcp,
            Uplink = spec.Bridge,
            Forwards = [.. spec.Forwards.Select(forward => Plan(forward, planned)).OfType<PlannedForward>()],
            Nics = planned,
        };
    }

    private static PlannedNic Plan(
        Instance instance, CachedRecord<VmSpec> vm, VmNic nic, Subnet? subnet, Ipv6Subnet? ipv6, HashSet<string> named) => new()
        {
            Vm = vm.Id,
            Slot = nic.Slot,
            Tap = TapOf(instance, vm.Id, nic.Slot),
            Mac = nic.Mac,
            Address = nic.Address,
            Ipv6Address = Ipv6Of(subnet, ipv6, nic.Address),
            HostName = named.Add(vm.Record.Name) ? vm.Record.Name : null,
        };

    /// <summary>The IPv6 address beside an IPv4 one; null when the network has none.</summary>
    public static string? Ipv6Of(Subnet? subnet, Ipv6Subnet? ipv6, string? address) =>
        subnet is { } held && ipv6 is { } wide && address is not null ? wide.Address(held.NumberOf(address)) : null;

    /// <summary>To the VM's first card here; null: it has none (any more).</summary>
    private static PlannedForward? Plan(NetworkForward forward, IReadOnlyList<PlannedNic> nics) =>
        nics.Where(nic => nic.Vm == forward.Vm).MinBy(nic => nic.Slot) is { Address: { } address }
            ? new(forward.Protocol, forward.Address, forward.Port, forward.Count, address, forward.VmPort, forward.Source)
            : null;

    /// <summary>A locally administered address: 02 and five bytes of the id's hash. Guests' own begin with 52:54:00.</summary>
    private static string MacOf(string networkId)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(networkId));
        return "02:" + string.Join(':', hash.Take(5).Select(part => part.ToString("x2")));
    }
}
