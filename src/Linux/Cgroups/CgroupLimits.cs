namespace Lamina.Linux.Cgroups;

/// <summary>What a cgroup may use; null: no limit.</summary>
public sealed record CgroupLimits
{
    /// <summary>100 is one whole core.</summary>
    public int? CpuQuotaPercent { get; init; }

    /// <summary>Share of the CPU under contention, 1–10000 as in cgroup v2; 100 is the default.</summary>
    public int? CpuWeight { get; init; }

    public long? MemoryBytes { get; init; }

    public int? Processes { get; init; }
}

/// <summary>What a cgroup used; null where the controller does not tell.</summary>
/// <param name="CpuTime">Since it was created.</param>
/// <param name="MemoryBytes">Now, page cache included.</param>
public sealed record CgroupUsage(TimeSpan? CpuTime, long? MemoryBytes)
{
    /// <summary>How long the limit of CPU time held its threads up, since it was created.</summary>
    public TimeSpan? ThrottledTime { get; init; }

    /// <summary>How long at least one of its threads waited for a core, a disk, memory; version 2 only.</summary>
    public TimeSpan? CpuPressure { get; init; }
    public TimeSpan? IoPressure { get; init; }
    public TimeSpan? MemoryPressure { get; init; }
}

/// <summary>A cgroup found on this machine.</summary>
public sealed record CgroupListing(string Name, bool IsEmpty);
