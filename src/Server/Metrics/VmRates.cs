using Lamina.Api;
using Lamina.Engine;

namespace Lamina.Server.Metrics;

/// <summary>What a VM did between two readings (pure).</summary>
internal static class VmRates
{
    /// <param name="before">Null, or of another run: there are no rates yet.</param>
    /// <param name="now">The later one.</param>
    /// <param name="time">The clock of both.</param>
    public static VmFigures Between(VmReading? before, VmReading now, TimeProvider time)
    {
        var then = before?.Run == now.Run ? before : null;
        double seconds = then is null ? 0 : time.GetElapsedTime(then.Timestamp, now.Timestamp).TotalSeconds;
        var figures = new VmFigures
        {
            Id = now.Id,
            Name = now.Name,
            Project = now.Project,
            At = now.At,
            MemoryBytes = now.MemoryBytes,
            GuestResidentBytes = now.GuestResidentBytes,
            OverheadBytes = now.OverheadBytes,
            CgroupBytes = now.Cgroup.MemoryBytes,
            BalloonBytes = now.BalloonBytes,
            GuestAvailableBytes = now.Answer?.Counters.Guest?.AvailableBytes,
            GuestFreeBytes = now.Answer?.Counters.Guest?.FreeBytes,
            CpuPercent = Rates.Percent(then?.Cgroup.CpuTime, now.Cgroup.CpuTime, seconds),
            VcpuPercent = Rates.Percent(then?.Vcpus?.RunTime, now.Vcpus?.RunTime, seconds),
            VcpuWaitPercent = Rates.Percent(then?.Vcpus?.WaitTime, now.Vcpus?.WaitTime, seconds),
            ThrottledPercent = Rates.Percent(then?.Cgroup.ThrottledTime, now.Cgroup.ThrottledTime, seconds),
            PressureCpuPercent = Rates.Percent(then?.Cgroup.CpuPressure, now.Cgroup.CpuPressure, seconds),
            PressureIoPercent = Rates.Percent(then?.Cgroup.IoPressure, now.Cgroup.IoPressure, seconds),
            PressureMemoryPercent = Rates.Percent(then?.Cgroup.MemoryPressure, now.Cgroup.MemoryPressure, seconds),
            NetReceiveBytesPerSecond = Nics(then, now, seconds, nic => nic.ReceivedBytes),
            NetSendBytesPerSecond = Nics(then, now, seconds, nic => nic.SentBytes),
            NetReceivePacketsPerSecond = Nics(then, now, seconds, nic => nic.ReceivedPackets),
            NetSendPacketsPerSecond = Nics(then, now, seconds, nic => nic.SentPackets),
            NetDropsPerSecond = Nics(then, now, seconds, nic => nic.Drops),
        };
        return figures;
    }

    /// <summary>The engine is asked more seldom than the kernel, so its rates have an interval of their own.</summary>
    /// <param name="figures">What the kernel told.</param>
    /// <param name="before">The answer before; null: there is none.</param>
    /// <param name="now">The last one.</param>
    /// <param name="time">The clock of both.</param>
    public static VmFigures With(VmFigures figures, VmAnswer? before, VmAnswer? now, TimeProvider time)
    {
        if (before is null || now is null) return figures;
        double seconds = time.GetElapsedTime(before.Timestamp, now.Timestamp).TotalSeconds;
        var (then, last) = (before.Counters, now.Counters);
        double? Disks(Func<VmDiskCounters, long> counter) => Rates.PerSecond(Sum(then, counter), Sum(last, counter), seconds);
        double? Mean(Func<VmDiskCounters, TimeSpan> spent, Func<VmDiskCounters, long> count) =>
            Rates.Mean(Sum(last, disk => spent(disk).Ticks) - Sum(then, disk => spent(disk).Ticks), Sum(last, count) - Sum(then, count)) / TimeSpan.TicksPerMillisecond;
        return figures with
        {
            DiskReadBytesPerSecond = Disks(disk => disk.ReadBytes),
            DiskWriteBytesPerSecond = Disks(disk => disk.WriteBytes),
            DiskReadsPerSecond = Disks(disk => disk.Reads),
            DiskWritesPerSecond = Disks(disk => disk.Writes),
            DiskReadMilliseconds = Mean(disk => disk.ReadTime, disk => disk.Reads),
            DiskWriteMilliseconds = Mean(disk => disk.WriteTime, disk => disk.Writes),
            GuestSwapInBytesPerSecond = Rates.PerSecond(then.Guest?.SwappedInBytes, last.Guest?.SwappedInBytes, seconds),
            GuestSwapOutBytesPerSecond = Rates.PerSecond(then.Guest?.SwappedOutBytes, last.Guest?.SwappedOutBytes, seconds),
            ExitsPerSecond = Rates.PerSecond(then.Exits, last.Exits, seconds),
        };
    }

    private static long? Sum(VmCounters counters, Func<VmDiskCounters, long> counter) => counters.Disks.Count == 0 ? null : counters.Disks.Sum(counter);

    /// <summary>Cards come and go while a VM runs: only those of both readings count.</summary>
    private static double? Nics(VmReading? before, VmReading now, double seconds, Func<NicReading, long> counter)
    {
        if (before is null) return null;
        var then = before.Nics.ToDictionary(nic => nic.Slot);
        var both = now.Nics.Where(nic => then.ContainsKey(nic.Slot)).ToList();
        return both.Count == 0 ? null : Rates.PerSecond(both.Sum(nic => counter(then[nic.Slot])), both.Sum(counter), seconds);
    }
}
