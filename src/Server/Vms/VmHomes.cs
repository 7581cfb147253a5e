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
        foreach (var disk in vm.Record.Disks.Select(disk => snapshot.Get(Keys.Disks.Spec, disk.Disk)).OfType<CachedRecord<DiskSpec>>())
        {
            string pool = PoolOf(snapshot, disk.Record, host);
            if (pool != disk.Record.Pool) change.Update(Keys.Disks.Spec, disk.Id, disk.Record with { Pool = pool }, disk.ModRevision);
        }

        if (vm.Record.HomePool is { } home && !PoolHosts.Reaches(snapshot, home, host) && PoolHosts.DefaultOf(snapshot, host) is { } own)
            change.Update(Keys.Vms.Spec, vm.Id, vm.Record with { HomePool = own.Id }, vm.ModRevision);
    }

    /// <summary>Id of the pool in which a disk ends up when its VM gets this host.</summary>
    public static string PoolOf(CacheSnapshot snapshot, DiskSpec disk, string host) =>
        disk.AnyPool && !PoolHosts.Reaches(snapshot, disk.Pool, host) && PoolHosts.DefaultOf(snapshot, host) is { } own ? own.Id : disk.Pool;
}
