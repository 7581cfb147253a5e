using Lamina.Api;
using Lamina.Linux.Host;
using Lamina.Linux.Network;

namespace Lamina.Server.Metrics;

/// <summary>All counters of the host at one moment. What this kernel does not tell is null.</summary>
internal sealed record HostReading
{
    public required DateTimeOffset At { get; init; }

    /// <summary>Of the daemon's monotonic clock.</summary>
    public required long Timestamp { get; init; }
    public required CpuTimes Cpu { get; init; }
    public required LoadAverages Load { get; init; }
    public required MemoryUse Memory { get; init; }
    public Pressure? CpuPressure { get; init; }
    public Pressure? IoPressure { get; init; }
    public Pressure? MemoryPressure { get; init; }
    public Ksm? Ksm { get; init; }
    public IReadOnlyList<DiskCounters> Disks { get; init; } = [];

    /// <summary>Physical cards.</summary>
    public IReadOnlyList<Link> Nics { get; init; } = [];
    public IReadOnlyList<PoolFigures> Pools { get; init; } = [];
    public int RunningVms { get; init; }
}
