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
            .Where(pair => pair.Nic is { Kind: NicKind.Network, Network: not null, Address: not null })
            .ToLookup(pair => pair.Nic.Network!);
        return [.. snapshot.All(Keys.Networks.Spec).Select(network => From(instance, network, nics[network.Id])).OfType<PlannedNetwork>()];
    }

    /// <summary>The name of a card's tap, whether it is there or not.</summary>
    public static string TapOf(Instance instance, string vmId, int slot) => instance.LinkName(vmId, TapSlot(slot));

    public static string TapOwner(Instance instance, string vmId, int slot) => instance.LinkOwner(vmId, TapSlot(slot));

    private static string TapSlot(int slot) => $"nic{slot}";

    private static PlannedNetwork? From(
        Instance instance, CachedRecord<NetworkSpec> network, IEnumerable<(CachedRecord<VmSpec> Vm, VmNic Nic)> nics)
    {
        if (Subnet.Parse(network.Record.Subnet) is not { } subnet) return null;
        var named = new HashSet<string>(StringComparer.Ordinal);
        return new()
        {
            Id = network.Id,
            Name = network.Record.Name,
            Bridge = instance.LinkName(network.Id, BridgeSlot),
            BridgeOwner = instance.LinkOwner(network.Id, BridgeSlot),
            BridgeMac = MacOf(network.Id),
            Subnet = subnet,
            MtuBytes = network.Record.Mtu,
            Domain = network.Record.DnsDomain ?? DefaultDomain,
            Nics = [.. nics.Select(pair => Plan(instance, pair.Vm, pair.Nic, named)).OrderBy(nic => nic.Tap, StringComparer.Ordinal)],
        };
    }

    private static PlannedNic Plan(Instance instance, CachedRecord<VmSpec> vm, VmNic nic, HashSet<string> named) => new(
        TapOf(instance, vm.Id, nic.Slot), nic.Mac, nic.Address!, named.Add(vm.Record.Name) ? vm.Record.Name : null);

    /// <summary>A locally administered address: 02 and five bytes of the id's hash. Guests' own begin with 52:54:00.</summary>
    private static string MacOf(string networkId)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(networkId));
        return "02:" + string.Join(':', hash.Take(5).Select(part => part.ToString("x2")));
    }
}
