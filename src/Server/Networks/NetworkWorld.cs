using Lamina.Api;
using Lamina.Linux.Network;
using Lamina.Server.Control;

namespace Lamina.Server.Networks;

/// <summary>What the rules of networks may look at: the records, and this host as it is now.</summary>
internal sealed record NetworkWorld
{
    public required Instance Instance { get; init; }
    public required CacheSnapshot Snapshot { get; init; }
    public IReadOnlyList<Link> Links { get; init; } = [];
    public IReadOnlyList<NetworkRoute> Routes { get; init; } = [];
    public IReadOnlyList<HostListener> Listeners { get; init; } = [];
    public Func<string, UplinkFacts> UplinkOf { get; init; } = device => new UplinkFacts { Device = device };

    public IEnumerable<CachedRecord<NetworkSpec>> Networks => Snapshot.All(Keys.Networks.Spec);

    /// <summary>Cards of VMs in a network, with their VM.</summary>
    public static IEnumerable<(CachedRecord<VmSpec> Vm, VmNic Nic)> CardsOf(CacheSnapshot snapshot, string network) =>
        snapshot.All(Keys.Vms.Spec).SelectMany(vm => vm.Record.Nics.Where(nic => nic.Network == network).Select(nic => (vm, nic)));
}
