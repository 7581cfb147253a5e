using Lamina.Api;

namespace Lamina.Server.Metrics;

/// <summary>A figure whose past is kept.</summary>
/// <param name="Name">As the member of the record.</param>
/// <param name="Unit">For who draws it.</param>
/// <param name="Read">Takes it out of the record.</param>
internal sealed record SeriesDefinition<T>(string Name, MetricUnit Unit, Func<T, double?> Read)
{
    public static float[] Row(IReadOnlyList<SeriesDefinition<T>> series, T figures) => [.. series.Select(each => (float)(each.Read(figures) ?? double.NaN))];
}

/// <summary>What is kept of a VM. The place is the column in files: new ones come last, and none is ever taken out.</summary>
internal static class VmSeries
{
    public static IReadOnlyList<SeriesDefinition<VmFigures>> All { get; } =
    [
        new("cpuPercent", MetricUnit.Percent, vm => vm.CpuPercent),
        new("vcpuPercent", MetricUnit.Percent, vm => vm.VcpuPercent),
        new("vcpuWaitPercent", MetricUnit.Percent, vm => vm.VcpuWaitPercent),
        new("throttledPercent", MetricUnit.Percent, vm => vm.ThrottledPercent),
        new("guestResidentBytes", MetricUnit.Bytes, vm => vm.GuestResidentBytes),
        new("overheadBytes", MetricUnit.Bytes, vm => vm.OverheadBytes),
        new("cgroupBytes", MetricUnit.Bytes, vm => vm.CgroupBytes),
        new("balloonBytes", MetricUnit.Bytes, vm => vm.BalloonBytes),
        new("guestAvailableBytes", MetricUnit.Bytes, vm => vm.GuestAvailableBytes),
        new("guestFreeBytes", MetricUnit.Bytes, vm => vm.GuestFreeBytes),
        new("guestSwapInBytesPerSecond", MetricUnit.BytesPerSecond, vm => vm.GuestSwapInBytesPerSecond),
        new("guestSwapOutBytesPerSecond", MetricUnit.BytesPerSecond, vm => vm.GuestSwapOutBytesPerSecond),
        new("diskReadBytesPerSecond", MetricUnit.BytesPerSecond, vm => vm.DiskReadBytesPerSecond),
        new("diskWriteBytesPerSecond", MetricUnit.BytesPerSecond, vm => vm.DiskWriteBytesPerSecond),
        new("diskReadsPerSecond", MetricUnit.PerSecond, vm => vm.DiskReadsPerSecond),
        new("diskWritesPerSecond", MetricUnit.PerSecond, vm => vm.DiskWritesPerSecond),
        new("diskReadMilliseconds", MetricUnit.Milliseconds, vm => vm.DiskReadMilliseconds),
        new("diskWriteMilliseconds", MetricUnit.Milliseconds, vm => vm.DiskWriteMilliseconds),
        new("netReceiveBytesPerSecond", MetricUnit.BytesPerSecond, vm => vm.NetReceiveBytesPerSecond),
        new("netSendBytesPerSecond", MetricUnit.BytesPerSecond, vm => vm.NetSendBytesPerSecond),
        new("netReceivePacketsPerSecond", MetricUnit.PerSecond, vm => vm.NetReceivePacketsPerSecond),
        new("netSendPacketsPerSecond", MetricUnit.PerSecond, vm => vm.NetSendPacketsPerSecond),
        new("netDropsPerSecond", MetricUnit.PerSecond, vm => vm.NetDropsPerSecond),
        new("pressureCpuPercent", MetricUnit.Percent, vm => vm.PressureCpuPercent),
        new("pressureIoPercent", MetricUnit.Percent, vm => vm.PressureIoPercent),
        new("pressureMemoryPercent", MetricUnit.Percent, vm => vm.PressureMemoryPercent),
        new("exitsPerSecond", MetricUnit.PerSecond, vm => vm.ExitsPerSecond),
    ];
}

/// <summary>What is kept of a host; the same holds.</summary>
internal static class HostSeries
{
    public static IReadOnlyList<SeriesDefinition<HostFigures>> All { get; } =
    [
        new("cpuPercent", MetricUnit.Percent, host => host.CpuPercent),
        new("cpuUserPercent", MetricUnit.Percent, host => host.CpuUserPercent),
        new("cpuSystemPercent", MetricUnit.Percent, host => host.CpuSystemPercent),
        new("cpuGuestPercent", MetricUnit.Percent, host => host.CpuGuestPercent),
        new("cpuWaitPercent", MetricUnit.Percent, host => host.CpuWaitPercent),
        new("cpuStealPercent", MetricUnit.Percent, host => host.CpuStealPercent),
        new("load1", MetricUnit.Number, host => host.Load1),
        new("memoryAvailableBytes", MetricUnit.Bytes, host => host.MemoryAvailableBytes),
        new("memoryCachedBytes", MetricUnit.Bytes, host => host.MemoryCachedBytes),
        new("swapUsedBytes", MetricUnit.Bytes, host => host.SwapUsedBytes),
        new("swapInBytesPerSecond", MetricUnit.BytesPerSecond, host => host.SwapInBytesPerSecond),
        new("swapOutBytesPerSecond", MetricUnit.BytesPerSecond, host => host.SwapOutBytesPerSecond),
        new("pressureCpuPercent", MetricUnit.Percent, host => host.PressureCpuPercent),
        new("pressureIoPercent", MetricUnit.Percent, host => host.PressureIoPercent),
        new("pressureMemoryPercent", MetricUnit.Percent, host => host.PressureMemoryPercent),
        new("pressureIoFullPercent", MetricUnit.Percent, host => host.PressureIoFullPercent),
        new("pressureMemoryFullPercent", MetricUnit.Percent, host => host.PressureMemoryFullPercent),
        new("diskReadBytesPerSecond", MetricUnit.BytesPerSecond, host => host.DiskReadBytesPerSecond),
        new("diskWriteBytesPerSecond", MetricUnit.BytesPerSecond, host => host.DiskWriteBytesPerSecond),
        new("diskReadsPerSecond", MetricUnit.PerSecond, host => host.DiskReadsPerSecond),
        new("diskWritesPerSecond", MetricUnit.PerSecond, host => host.DiskWritesPerSecond),
        new("diskBusyPercent", MetricUnit.Percent, host => host.DiskBusyPercent),
        new("netReceiveBytesPerSecond", MetricUnit.BytesPerSecond, host => host.NetReceiveBytesPerSecond),
        new("netSendBytesPerSecond", MetricUnit.BytesPerSecond, host => host.NetSendBytesPerSecond),
        new("netDropsPerSecond", MetricUnit.PerSecond, host => host.NetDropsPerSecond),
        new("ksmSavedBytes", MetricUnit.Bytes, host => host.KsmSavedBytes),
        new("runningVms", MetricUnit.Number, host => host.RunningVms),
    ];
}
