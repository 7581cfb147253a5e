using Lamina.Api;
using Lamina.Linux.Host;
using Lamina.Linux.Network;
using Lamina.Server.Control;

namespace Lamina.Server.Metrics;

/// <summary>Reads the host's counters: files of the kernel and one question to it, none of which can hang.</summary>
internal static class HostReader
{
    /// <param name="links">All links of the machine.</param>
    /// <param name="snapshot">The pools' room is in their status, which their own room keeps: a file system that hangs is asked there, with a deadline.</param>
    /// <param name="runningVms">How many there are.</param>
    /// <param name="time">Both clocks.</param>
    public static HostReading Read(IReadOnlyList<Link> links, CacheSnapshot snapshot, int runningVms, TimeProvider time) => new()
    {
        At = time.GetUtcNow(),
        Timestamp = time.GetTimestamp(),
        Cpu = CpuTimes.Read(),
        Load = LoadAverages.Read(),
        Memory = MemoryUse.Read(),
        CpuPressure = Pressure.Read("cpu"),
        IoPressure = Pressure.Read("io"),
        MemoryPressure = Pressure.Read("memory"),
        Ksm = Ksm.Read(),
        Disks = DiskCounters.ReadAll(),
        Nics = [.. links.Where(IsPhysical)],
        Pools = [.. snapshot.All(Keys.Pools.Spec).Select(pool => FiguresOf(pool, snapshot))],
        RunningVms = runningVms,
    };

    /// <summary>A card has hardware, real or virtual, behind it.</summary>
    private static bool IsPhysical(Link link) => link.Kind is null && Directory.Exists($"/sys/class/net/{link.Name}/device");

    private static PoolFigures FiguresOf(CachedRecord<PoolSpec> pool, CacheSnapshot snapshot)
    {
        var status = snapshot.Get(Keys.Pools.Status, pool.Id)?.Record;
        return new PoolFigures { Id = pool.Id, Name = pool.Record.Name, TotalBytes = status?.TotalBytes, FreeBytes = status?.FreeBytes };
    }
}
