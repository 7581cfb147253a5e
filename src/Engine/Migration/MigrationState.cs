using Lamina.Engine.Qmp;

namespace Lamina.Engine.Migration;

/// <summary>Where a process stands in a migration, on either side; what a restarted daemon asks first.</summary>
public sealed record MigrationState
{
    public required MigrationPhase Phase { get; init; }
    /// <summary>
    /// Null = QEMU did not answer in time, and <see cref="Phase"/> is what it told of itself last. A target in post-copy whose source is gone is mute.
    /// </summary>
    public RunState? Guest { get; init; }
    /// <summary>QEMU's words about a failure.</summary>
    public string? Error { get; init; }
    /// <summary>Null before there is any, and on a target.</summary>
    public MigrationProgress? Progress { get; init; }
    /// <summary>The source's, those that are over included until <see cref="IVm.CloseMirrorsAsync"/>.</summary>
    public IReadOnlyList<MirrorState> Mirrors { get; init; } = [];
    /// <summary>Slots of the disks that a target offers to the source.</summary>
    public IReadOnlyList<int> Exports { get; init; } = [];
    /// <summary>Why this guest cannot leave, in QEMU's words.</summary>
    public IReadOnlyList<string> Blockers { get; init; } = [];

    /// <summary>A target that has everything and waits for its first <c>cont</c>: step 6 of the hand-over.</summary>
    public bool IsLoaded => Phase == MigrationPhase.Completed && Guest is not (null or RunState.InMigrate);
}

/// <summary>How far a source is. Bytes are the guest's memory; disks are in <see cref="MirrorState"/>.</summary>
public sealed record MigrationProgress
{
    public required MigrationPhase Phase { get; init; }
    public long TransferredBytes { get; init; }
    public long RemainingBytes { get; init; }
    public long TotalBytes { get; init; }
    /// <summary>What the guest writes anew, measured at the end of each pass.</summary>
    public long DirtyBytesPerSecond { get; init; }
    public long BytesPerSecond { get; init; }
    /// <summary>How often the memory was looked through; the first is 1.</summary>
    public long Passes { get; init; }
    /// <summary>How much of its time auto-converge takes from the guest; 0 = none.</summary>
    public int ThrottlePercent { get; init; }
    /// <summary>Pages that the target has asked for in post-copy.</summary>
    public long PostCopyRequests { get; init; }
    public long ElapsedMs { get; init; }
    /// <summary>What QEMU expects the pause to be, were it now.</summary>
    public long? ExpectedDowntimeMs { get; init; }
    /// <summary>QEMU's own measure; only after the end, and often less than what the guest's peers see. Just after the end it may still be 0.</summary>
    public long? DowntimeMs { get; init; }
}

public enum MirrorStage
{
    Copying,
    /// <summary>Has been equal once, and follows what the guest writes.</summary>
    Ready,
    /// <summary>Ended while equal: the target's disk is the same.</summary>
    Ended,
    Failed,
}

/// <summary>A disk that is being copied into a target's export.</summary>
public sealed record MirrorState
{
    public required int Slot { get; init; }
    public required MirrorStage Stage { get; init; }
    public required long CopiedBytes { get; init; }
    public required long TotalBytes { get; init; }
    public string? Error { get; init; }
}
