using Lamina.Api;
using Lamina.Server.Metrics;
using Lamina.Server.Metrics.History;

namespace Lamina.Tests.Unit.Metrics;

public sealed class SeriesTests
{
    [Fact]
    public void All_of_them_fit_into_a_row()
    {
        Assert.True(VmSeries.All.Count <= RingRow.Columns);
        Assert.True(HostSeries.All.Count <= RingRow.Columns);
    }

    /// <summary>A column that moved would show one figure under the name of another in files that exist.</summary>
    [Fact]
    public void Their_places_are_for_ever()
    {
        Assert.Equal(
            "cpuPercent,vcpuPercent,vcpuWaitPercent,throttledPercent,guestResidentBytes,overheadBytes,cgroupBytes,balloonBytes,guestAvailableBytes,guestFreeBytes,"
            + "guestSwapInBytesPerSecond,guestSwapOutBytesPerSecond,diskReadBytesPerSecond,diskWriteBytesPerSecond,diskReadsPerSecond,diskWritesPerSecond,"
            + "diskReadMilliseconds,diskWriteMilliseconds,netReceiveBytesPerSecond,netSendBytesPerSecond,netReceivePacketsPerSecond,netSendPacketsPerSecond,"
            + "netDropsPerSecond,pressureCpuPercent,pressureIoPercent,pressureMemoryPercent,exitsPerSecond",
            string.Join(',', VmSeries.All.Select(series => series.Name)));
        Assert.Equal(
            "cpuPercent,cpuUserPercent,cpuSystemPercent,cpuGuestPercent,cpuWaitPercent,cpuStealPercent,load1,memoryAvailableBytes,memoryCachedBytes,swapUsedBytes,"
            + "swapInBytesPerSecond,swapOutBytesPerSecond,pressureCpuPercent,pressureIoPercent,pressureMemoryPercent,pressureIoFullPercent,pressureMemoryFullPercent,"
            + "diskReadBytesPerSecond,diskWriteBytesPerSecond,diskReadsPerSecond,diskWritesPerSecond,diskBusyPercent,netReceiveBytesPerSecond,netSendBytesPerSecond,"
            + "netDropsPerSecond,ksmSavedBytes,runningVms",
            string.Join(',', HostSeries.All.Select(series => series.Name)));
    }

    [Fact]
    public void Each_is_a_member_of_its_record()
    {
        Assert.All(VmSeries.All, series => Assert.NotNull(typeof(VmFigures).GetProperty(char.ToUpperInvariant(series.Name[0]) + series.Name[1..])));
        Assert.All(HostSeries.All, series => Assert.NotNull(typeof(HostFigures).GetProperty(char.ToUpperInvariant(series.Name[0]) + series.Name[1..])));
    }
}
