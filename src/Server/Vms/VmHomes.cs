using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Pools;

namespace Lamina.Server.Vms;

/// <summary>Where the disks and own files of a VM go that has just got its host, as far as nobody has named a pool.</summary>
internal static class VmHomes
{
    /// <summary>Adds to the change of the assignment what of the pools is not on the chosen host.</summary>
    public static void Choose(StoreChange change, CacheSnapshot snapshot, CachedRecord<VmSpec> vm, string host)
    {
        if (PoolHosts.DefaultOf(snapshot, host) is not { } pool) return;
        foreach (var disk in vm.Record.Disks.Select(disk => snapshot.Get(Keys.Disks.Spec, disk.Disk)).OfType<CachedRecord<DiskSpec>>())
        {
            if (!disk.Record.AnyPool || PoolHosts.Reaches(snapshot, disk.Record.Pool, host)) continue;
            change.Update(Keys.Disks.Spec, disk.Id, disk.Record with { Pool = pool.Id }, disk.ModRevision);
        }

        if (vm.Record.HomePool is { } home && !PoolHosts.Reaches(snapshot, home, host))
            change.Update(Keys.Vms.Spec, vm.Id, vm.Record with { HomePool = pool.Id }, vm.ModRevision);
    }
}
