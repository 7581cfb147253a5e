using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Pools;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// Where a VM's own small files lie (pure). VMs from before this was recorded have them beside their first disk; whoever takes that disk away or moves
/// it writes <see cref="VmSpec.HomePool"/> down in the same commit.
/// </summary>
internal static class VmHome
{
    /// <summary>Id of the pool.</summary>
    /// <exception cref="ProblemException">There is no such pool any more.</exception>
    public static string PoolOf(CacheSnapshot snapshot, VmSpec spec)
    {
        if (spec.HomePool is { } home) return home;
        if (spec.Disks is [var first, ..] && snapshot.Get(Keys.Disks.Spec, first.Disk) is { } disk) return disk.Record.Pool;
        return snapshot.FindInstalled(Keys.Pools.Spec, "pool", HostPools.DefaultName).Id;
    }

    /// <summary>The same on a host: what lies in a pool that only another host has stayed behind when the VM moved, and is made anew in this one's default pool.</summary>
    /// <exception cref="ProblemException">There is no such pool any more.</exception>
    public static string PoolOn(CacheSnapshot snapshot, VmSpec spec, string hostId)
    {
        string home = PoolOf(snapshot, spec);
        return snapshot.Get(Keys.Pools.Spec, home) is { } pool && !PoolHosts.IsOn(pool.Record, hostId) && PoolHosts.DefaultOf(snapshot, hostId) is { } own ? own.Id : home;
    }
}
