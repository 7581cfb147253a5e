using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>Answer of <c>GET /v1/metrics/now</c>: the latest figures of a host and its VMs, for tables that are drawn anew every few seconds.</summary>
public sealed record MetricsNow
{
    /// <summary>How often they are taken: asking more often answers the same.</summary>
    public required int IntervalSeconds { get; init; }

    /// <summary>Null until the first two readings.</summary>
    public HostFigures? Host { get; init; }

    /// <summary>Of the VMs that have a process, in the order of their names.</summary>
    public required IReadOnlyList<VmFigures> Vms { get; init; }
}

/// <summary>What one VM did between two readings. A figure that could not be read is absent.</summary>
/// <remarks>Read and written and received and sent are as the guest sees them.</remarks>
public sealed record VmFigures
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Project { get; init; }
    public required DateTimeOffset At { get; init; }

    /// <summary>CPU time of its QEMU, all threads; 100 is one whole core.</summary>
    public double? CpuPercent { get; init; }

    /// <summary>Of that, the threads that are the guest's CPUs.</summary>
    public double? VcpuPercent { get; init; }

    /// <summary>How long its virtual CPUs were ready to run and had no core; 100 is one of them all the time.</summary>
    public double? VcpuWaitPercent { get; init; }

    /// <summary>Part of the time in which the limit of its CPU time held it up; 100 is all the time.</summary>
    public double? ThrottledPercent { get; init; }

    /// <summary>What the guest was given.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Of the guest's memory, what takes up memory of the host now.</summary>
    public long? GuestResidentBytes { get; init; }

    /// <summary>What QEMU itself takes up beside it.</summary>
    public long? OverheadBytes { get; init; }

    /// <summary>What its cgroup is charged for, page cache included.</summary>
    public long? CgroupBytes { get; init; }

    /// <summary>What the balloon took from the guest.</summary>
    public long? BalloonBytes { get; init; }

    /// <summary>What the guest says it could still give to programs.</summary>
    public long? GuestAvailableBytes { get; init; }

    /// <summary>What the guest says is of no use to anybody.</summary>
    public long? GuestFreeBytes { get; init; }
    public double? GuestSwapInBytesPerSecond { get; init; }
    public double? GuestSwapOutBytesPerSecond { get; init; }
    public double? DiskReadBytesPerSecond { get; init; }
    public double? DiskWriteBytesPerSecond { get; init; }
    public double? DiskReadsPerSecond { get; init; }
    public double? DiskWritesPerSecond { get; init; }

    /// <summary>Mean time that a read took.</summary>
    public double? DiskReadMilliseconds { get; init; }
    public double? DiskWriteMilliseconds { get; init; }
    public double? NetReceiveBytesPerSecond { get; init; }
    public double? NetSendBytesPerSecond { get; init; }
    public double? NetReceivePacketsPerSecond { get; init; }
    public double? NetSendPacketsPerSecond { get; init; }
    public double? NetDropsPerSecond { get; init; }

    /// <summary>Part of the time in which at least one of its threads waited for the CPU, the disk, memory (cgroup v2 only).</summary>
    public double? PressureCpuPercent { get; init; }
    public double? PressureIoPercent { get; init; }
    public double? PressureMemoryPercent { get; init; }

    /// <summary>Exits of its virtual CPUs (KVM only).</summary>
    public double? ExitsPerSecond { get; init; }
}

/// <summary>What the host did between two readings.</summary>
public sealed record HostFigures
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required DateTimeOffset At { get; init; }
    public required int Cores { get; init; }

    /// <summary>Of all cores: 100 is every one of them, all the time.</summary>
    public double? CpuPercent { get; init; }
    public double? CpuUserPercent { get; init; }
    public double? CpuSystemPercent { get; init; }

    /// <summary>Running guests' code (KVM).</summary>
    public double? CpuGuestPercent { get; init; }
    public double? CpuWaitPercent { get; init; }
    public double? CpuStealPercent { get; init; }
    public double? Load1 { get; init; }
    public double? Load5 { get; init; }
    public double? Load15 { get; init; }
    public long? MemoryBytes { get; init; }
    public long? MemoryAvailableBytes { get; init; }
    public long? MemoryCachedBytes { get; init; }
    public long? SwapBytes { get; init; }
    public long? SwapUsedBytes { get; init; }
    public double? SwapInBytesPerSecond { get; init; }
    public double? SwapOutBytesPerSecond { get; init; }

    /// <summary>Part of the last 10 s in which some task waited for this, by the kernel (PSI).</summary>
    public double? PressureCpuPercent { get; init; }
    public double? PressureIoPercent { get; init; }
    public double? PressureMemoryPercent { get; init; }

    /// <summary>The same, in which all tasks waited.</summary>
    public double? PressureIoFullPercent { get; init; }
    public double? PressureMemoryFullPercent { get; init; }

    /// <summary>Of its whole disks, not of loops and of what lies on top of disks.</summary>
    public double? DiskReadBytesPerSecond { get; init; }
    public double? DiskWriteBytesPerSecond { get; init; }
    public double? DiskReadsPerSecond { get; init; }
    public double? DiskWritesPerSecond { get; init; }

    /// <summary>Of the busiest disk.</summary>
    public double? DiskBusyPercent { get; init; }

    /// <summary>Of its physical cards.</summary>
    public double? NetReceiveBytesPerSecond { get; init; }
    public double? NetSendBytesPerSecond { get; init; }
    public double? NetDropsPerSecond { get; init; }

    /// <summary>What identical pages of memory that are kept once save (KSM).</summary>
    public long? KsmSavedBytes { get; init; }
    public int? RunningVms { get; init; }
    public IReadOnlyList<DiskFigures>? Disks { get; init; }
    public IReadOnlyList<NicFigures>? Nics { get; init; }
    public IReadOnlyList<PoolFigures>? Pools { get; init; }
}

public sealed record DiskFigures
{
    public required string Device { get; init; }
    public double? ReadBytesPerSecond { get; init; }
    public double? WriteBytesPerSecond { get; init; }
    public double? BusyPercent { get; init; }
}

public sealed record NicFigures
{
    public required string Device { get; init; }
    public double? ReceiveBytesPerSecond { get; init; }
    public double? SendBytesPerSecond { get; init; }
}

public sealed record PoolFigures
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public long? TotalBytes { get; init; }
    public long? FreeBytes { get; init; }
}

/// <summary>Answer of <c>GET /v1/vms/{vm}/metrics</c> and <c>GET /v1/hosts/{host}/metrics</c>: the past, in even steps.</summary>
public sealed record MetricHistory
{
    /// <summary>The first point; each further one is <see cref="StepSeconds"/> later.</summary>
    public required DateTimeOffset From { get; init; }
    public required int StepSeconds { get; init; }

    /// <summary>How many points each series has.</summary>
    public required int Count { get; init; }
    public required IReadOnlyList<MetricSeries> Series { get; init; }
}

/// <summary>One figure over time.</summary>
public sealed record MetricSeries
{
    /// <summary>As the member of <see cref="VmFigures"/> or <see cref="HostFigures"/>.</summary>
    public required string Name { get; init; }
    public required MetricUnit Unit { get; init; }

    /// <summary>Means over each step; null where nothing was read.</summary>
    public required IReadOnlyList<double?> Values { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<MetricUnit>))]
public enum MetricUnit
{
    Percent,
    Bytes,
    BytesPerSecond,
    PerSecond,
    Milliseconds,
    Number,
}
