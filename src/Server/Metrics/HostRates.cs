using Lamina.Api;
using Lamina.Linux.Network;

namespace Lamina.Server.Metrics;

/// <summary>What the host did between two readings (pure).</summary>
internal static class HostRates
{
    /// <param name="id">The host's.</param>
    /// <param name="name">The host's.</param>
    /// <param name="cores">Logical processors.</param>
    /// <param name="before">The earlier reading.</param>
    /// <param name="now">The later one.</param>
    /// <param name="time">The clock of both.</param>
    public static HostFigures Between(string id, string name, int cores, HostReading before, HostReading now, TimeProvider time)
    {
        double seconds = time.GetElapsedTime(before.Timestamp, now.Timestamp).TotalSeconds;
        double total = now.Cpu.TotalSeconds - before.Cpu.TotalSeconds;
        var disks = Disks(before, now, seconds);
        var nics = Nics(before, now, seconds);
        return new HostFigures
        {
            Id = id,
            Name = name,
            At = now.At,
            Cores = cores,
            CpuPercent = Rates.Percent(before.Cpu.BusySeconds, now.Cpu.BusySeconds, total),
            CpuUserPercent = Rates.Percent(before.Cpu.UserSeconds + before.Cpu.NiceSeconds, now.Cpu.UserSeconds + now.Cpu.NiceSeconds, total),
            CpuSystemPercent = Rates.Percent(before.Cpu.SystemSeconds + before.Cpu.IrqSeconds, now.Cpu.SystemSeconds + now.Cpu.IrqSeconds, total),
            CpuGuestPercent = Rates.Percent(before.Cpu.GuestSeconds, now.Cpu.GuestSeconds, total),
            CpuWaitPercent = Rates.Percent(before.Cpu.IoWaitSeconds, now.Cpu.IoWaitSeconds, total),
            CpuStealPercent = Rates.Percent(before.Cpu.StealSeconds, now.Cpu.StealSeconds, total),
            Load1 = now.Load.One,
            Load5 = now.Load.Five,
            Load15 = now.Load.Fifteen,
            MemoryBytes = now.Memory.TotalBytes,
            MemoryAvailableBytes = now.Memory.AvailableBytes,
            MemoryCachedBytes = now.Memory.CachedBytes,
            SwapBytes = now.Memory.SwapTotalBytes,
            SwapUsedBytes = now.Memory.SwapTotalBytes - now.Memory.SwapFreeBytes,
            SwapInBytesPerSecond = Rates.PerSecond(before.Memory.SwappedInBytes, now.Memory.SwappedInBytes, seconds),
            SwapOutBytesPerSecond = Rates.PerSecond(before.Memory.SwappedOutBytes, now.Memory.SwappedOutBytes, seconds),
            PressureCpuPercent = now.CpuPressure?.Some.Avg10Percent,
            PressureIoPercent = now.IoPressure?.Some.Avg10Percent,
            PressureMemoryPercent = now.MemoryPressure?.Some.Avg10Percent,
            PressureIoFullPercent = now.IoPressure?.Full?.Avg10Percent,
            PressureMemoryFullPercent = now.MemoryPressure?.Full?.Avg10Percent,
            DiskReadBytesPerSecond = disks.Sum(disk => disk.ReadBytesPerSecond),
            DiskWriteBytesPerSecond = disks.Sum(disk => disk.WriteBytesPerSecond),
            DiskReadsPerSecond = Rates.PerSecond(before.Disks.Sum(disk => disk.Reads), now.Disks.Sum(disk => disk.Reads), seconds),
            DiskWritesPerSecond = Rates.PerSecond(before.Disks.Sum(disk => disk.Writes), now.Disks.Sum(disk => disk.Writes), seconds),
            DiskBusyPercent = disks.Max(disk => disk.BusyPercent),
            NetReceiveBytesPerSecond = nics.Sum(nic => nic.ReceiveBytesPerSecond),
            NetSendBytesPerSecond = nics.Sum(nic => nic.SendBytesPerSecond),
            NetDropsPerSecond = Rates.PerSecond(Drops(before), Drops(now), seconds),
            KsmSavedBytes = now.Ksm?.SavedBytes,
            RunningVms = now.RunningVms,
            Disks = disks,
            Nics = nics,
            Pools = now.Pools,
        };
    }

    private static List<DiskFigures> Disks(HostReading before, HostReading now, double seconds) =>
    [
        .. now.Disks.Join(before.Disks, disk => disk.Device, disk => disk.Device, (last, then) => new DiskFigures
        {
            Device = last.Device,
            ReadBytesPerSecond = Rates.PerSecond(then.ReadBytes, last.ReadBytes, seconds),
            WriteBytesPerSecond = Rates.PerSecond(then.WriteBytes, last.WriteBytes, seconds),
            BusyPercent = Rates.Percent(then.BusyTime, last.BusyTime, seconds),
        }),
    ];

    private static List<NicFigures> Nics(HostReading before, HostReading now, double seconds) =>
    [
        .. now.Nics.Join(before.Nics, nic => nic.Index, nic => nic.Index, (last, then) => new NicFigures
        {
            Device = last.Name,
            ReceiveBytesPerSecond = Rates.PerSecond((long)then.Statistics.ReceivedBytes, (long)last.Statistics.ReceivedBytes, seconds),
            SendBytesPerSecond = Rates.PerSecond((long)then.Statistics.SentBytes, (long)last.Statistics.SentBytes, seconds),
        }),
    ];

    private static long Drops(HostReading reading) => reading.Nics.Sum(nic => (long)(nic.Statistics.ReceiveDrops + nic.Statistics.SendDrops));
}
