using System.Collections.Frozen;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Networks;
using Lamina.Server.Pools;

namespace Lamina.Server.Placement;

/// <summary>Reads a host for placement from a snapshot.</summary>
internal static class PlacementHosts
{
    /// <summary>Without what its VMs take. Null: it has not told yet what it is.</summary>
    public static PlacementHost? Read(CacheSnapshot snapshot, string id)
    {
        if (snapshot.Get(Keys.Hosts.Status, id)?.Record is not { MemoryMiB: > 0, Accelerator: { } accelerator } status) return null;
        var spec = snapshot.Get(Keys.Hosts.Spec, id)?.Record;
        return new PlacementHost
        {
            Id = id,
            Name = spec?.Name ?? id,
            MemoryMiB = (int)status.MemoryMiB,
            OvercommitPercent = spec?.Memory.OvercommitPercent ?? HostMemoryPolicy.NoOvercommit,
            Cores = status.Cores,
            Accelerator = accelerator.Kind,
            CommittedMiB = 0,
            Closed = HostFitnesses.ClosedBy(snapshot, id),
            MissingNetworks = snapshot.All(Keys.Networks.Spec).Select(network => (network.Id, Why: NetworkStatuses.MissingOn(snapshot, network, id)))
                .Where(network => network.Why is not null).ToFrozenDictionary(network => network.Id, network => network.Why!, StringComparer.Ordinal),
            Pools = snapshot.All(Keys.Pools.Spec).Where(pool => PoolHosts.Reaches(snapshot, pool, id)).Select(pool => pool.Id).ToFrozenSet(StringComparer.Ordinal),
            CpuModels = status.CpuModels.Count == 0 ? null : status.CpuModels.ToFrozenSet(StringComparer.Ordinal),
            MachineTypes = status.MachineTypes.Count == 0 ? null : status.MachineTypes.ToFrozenSet(StringComparer.Ordinal),
        };
    }
}
