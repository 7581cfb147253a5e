using Lamina.Api;

namespace Lamina.Server.Migration.Plan;

internal enum MigrationSide
{
    Source,
    Target,
}

/// <summary>What the store says of a hand-over, at one moment.</summary>
internal enum StorePhase
{
    /// <summary>A transaction of this host may or may not have been written: it is settled first (decision 5).</summary>
    Unknown,
    Prepared,
    Committed,
    Aborted,
    HandedBack,

    /// <summary>There is no hand-over of this nonce any more.</summary>
    Gone,

    /// <summary>The assignment is at a higher epoch than this hand-over leads to: somebody has taken the VM over.</summary>
    Outlived,
}

/// <summary>The source's QEMU.</summary>
internal enum SourceQemu
{
    /// <summary>Its monitor is silent, or its host cannot be reached.</summary>
    Unknown,

    /// <summary>A cold hand-over: there is no process, and the status says so.</summary>
    AtRest,

    /// <summary>No migration was begun.</summary>
    Idle,

    /// <summary>Setup, active: the guest runs.</summary>
    Moving,

    /// <summary>The guest stands still, just before the switch, until it is told to go on.</summary>
    PreSwitchover,

    /// <summary>The guest stands still, and the state of its devices is on its way.</summary>
    Device,

    /// <summary>The migration has failed.</summary>
    Failed,
    Cancelled,

    /// <summary>QEMU says <c>completed</c>: postmigrate. It never runs again by itself.</summary>
    Completed,

    /// <summary>The guest is the target's, and its memory goes there as it is asked for.</summary>
    PostCopy,

    /// <summary>As above, on a broken link.</summary>
    PostCopyPaused,

    /// <summary>There is no process any more, or its guest has powered off.</summary>
    Gone,
}

/// <summary>The target's QEMU.</summary>
internal enum TargetQemu
{
    Unknown,

    /// <summary>Not made yet.</summary>
    None,

    /// <summary>Waits for the guest's memory.</summary>
    InMigrate,

    /// <summary>It has all of the guest, which stands still.</summary>
    Loaded,
    Running,
    PostCopy,
    PostCopyPaused,
    Gone,
}

/// <summary>How far the target is with the files of a VM that comes at rest.</summary>
internal enum ContentState
{
    /// <summary>No file goes along.</summary>
    NotNeeded,
    Missing,
    Coming,

    /// <summary>All are whole here, as far as this daemon knows of its own doing.</summary>
    Here,
    Failed,
}

/// <summary>How far the mirrors of the disks that go along are.</summary>
internal enum MirrorState
{
    /// <summary>No disk goes along.</summary>
    NotNeeded,
    NotBegun,

    /// <summary>Those of some disks have begun.</summary>
    Partly,
    Filling,
    Ready,

    /// <summary>All have ended whole.</summary>
    Ended,
    Failed,
}

/// <summary>The source, as the side that looks knows it.</summary>
internal sealed record SourceSeen
{
    public required SourceQemu Qemu { get; init; }

    /// <summary>For how long QEMU has been so.</summary>
    public TimeSpan For { get; init; }

    /// <summary>The guest's CPUs stand still because of the hand-over.</summary>
    public bool IsHalted { get; init; }

    /// <summary>They run, and shall not: a paused guest, between its way out of the migration and the pause that it is to be in.</summary>
    public bool IsLoose { get; init; }
    public MirrorState Mirrors { get; init; }

    /// <summary>What it has said in the store for this nonce.</summary>
    public HandoverSource? Word { get; init; }

    /// <summary>Why it is to be given up: cancelled, overruled by an order, or failed; null: not.</summary>
    public Failure? Stop { get; init; }

    /// <summary>Precopy cannot come to an end, and post-copy is allowed.</summary>
    public bool WantsPostCopy { get; init; }

    /// <summary>For how long nothing has been sent.</summary>
    public TimeSpan StalledFor { get; init; }

    /// <summary>The last of <see cref="HandoverTarget.Recoveries"/> that this daemon has tried to connect to.</summary>
    public int TriedRecoveries { get; init; }
}

/// <summary>The target, as the side that looks knows it.</summary>
internal sealed record TargetSeen
{
    public required TargetQemu Qemu { get; init; }

    /// <summary>For how long QEMU has been so.</summary>
    public TimeSpan For { get; init; }
    public HandoverTarget? Word { get; init; }

    /// <summary>Nothing of the guest's memory is elsewhere.</summary>
    public bool IsWhole { get; init; }

    /// <summary>In post-copy: QEMU answers nothing, since it waits for a page of the guest.</summary>
    public bool IsMute { get; init; }

    /// <summary>The marker on the target's disk: <c>cont</c> was sent, or was about to be, and was not refused.</summary>
    public bool MayHaveRun { get; init; }

    /// <summary>The guest was to stay paused, and its process has its disks.</summary>
    public bool HasDisks { get; init; }

    /// <summary>For how long QEMU has refused to let the guest run, or to take its disks; null: it has not.</summary>
    public TimeSpan? RefusedFor { get; init; }

    /// <summary>Of a cold hand-over.</summary>
    public ContentState Content { get; init; }

    /// <summary>Why the files could not be brought.</summary>
    public Failure? ContentFailure { get; init; }

    /// <summary>The VM's status is the target's, at its epoch: DONE, or the crash that it has reported.</summary>
    public bool HasTaken { get; init; }

    /// <summary>It says there that the guest runs no more.</summary>
    public bool HasEnded { get; init; }

    /// <summary>An order to end the guest at once waits.</summary>
    public bool IsOverruled { get; init; }
}

/// <summary>Everything that one side looks at.</summary>
internal sealed record MigrationMoment
{
    public required MigrationSide Side { get; init; }
    public required StorePhase Phase { get; init; }
    public HandoverKind Kind { get; init; }

    /// <summary>The guest is paused, and stays so on either side: nothing lets it run for longer than QEMU needs to leave the state of a migration.</summary>
    public bool StaysPaused { get; init; }
    public bool PostCopy { get; init; }

    /// <summary>How long post-copy may stand still on a broken link.</summary>
    public TimeSpan RecoverPatience { get; init; } = MigrationPlan.RecoverPatience;
    public required SourceSeen Source { get; init; }
    public required TargetSeen Target { get; init; }

    /// <summary>For how long this side has known of the hand-over, or, at the source, of its own last word.</summary>
    public TimeSpan Waited { get; init; }
}
