using Lamina.Engine;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Processes;

namespace Lamina.Server.Metrics;

/// <summary>What its engine said when it was last asked.</summary>
/// <param name="Timestamp">Of the daemon's monotonic clock.</param>
internal sealed record VmAnswer(long Timestamp, VmCounters Counters);

/// <summary>All counters of one VM at one moment. What could not be read is null.</summary>
internal sealed record VmReading
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Project { get; init; }

    /// <summary>Counters begin anew with each.</summary>
    public required long Run { get; init; }
    public required DateTimeOffset At { get; init; }

    /// <summary>Of the daemon's monotonic clock.</summary>
    public required long Timestamp { get; init; }
    public required long MemoryBytes { get; init; }

    /// <summary>The guest's memory is shared memory, which the kernel counts apart from QEMU's own.</summary>
    public required bool IsMemoryShared { get; init; }
    public CgroupUsage Cgroup { get; init; } = new(null, null);
    public ProcessMemory? Process { get; init; }

    /// <summary>Of the threads that are virtual CPUs, summed up.</summary>
    public ThreadTimes? Vcpus { get; init; }
    public IReadOnlyList<NicReading> Nics { get; init; } = [];
    public VmAnswer? Answer { get; init; }

    public long? GuestResidentBytes => IsMemoryShared ? Process?.SharedBytes : null;

    public long? OverheadBytes => IsMemoryShared && Process is { } process ? process.AnonymousBytes + process.FileBytes : null;

    /// <summary>What the balloon holds; the guest's driver may not have told yet.</summary>
    public long? BalloonBytes => Answer?.Counters.BalloonBytes is { } left ? Math.Max(0, MemoryBytes - left) : null;
}

/// <summary>A card as the guest sees it: what its tap sends, the guest receives.</summary>
internal sealed record NicReading(int Slot, long ReceivedBytes, long SentBytes, long ReceivedPackets, long SentPackets, long Drops);
