using Lamina.Api;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Server.Migration.Plan;
using EngineMirror = Lamina.Engine.Migration.MirrorState;
using MirrorState = Lamina.Server.Migration.Plan.MirrorState;

namespace Lamina.Server.Migration;

/// <summary>How a guest is sent, and what its figures mean (pure).</summary>
internal static class MigrationChoices
{
    /// <summary>A guest that is throttled so far, after so many passes, does not get through.</summary>
    private const int LastThrottlePercent = 90;
    private const int LastPasses = 30;

    /// <summary>Where post-copy is allowed, a guest is not slowed down by more than half.</summary>
    private const int PostCopyThrottlePercent = 50;

    /// <summary>Unless the request says it: so often could all of the memory have gone over, and no less than this.</summary>
    private const int MostRounds = 5;
    private static readonly TimeSpan LeastTimeout = TimeSpan.FromMinutes(10);

    public static MigrationTransport TransportOf(VmHandover record) => new() { Streams = record.Streams, PostCopy = record.PostCopy };

    /// <summary>Mirrors are ended, and post-copy is decided on, while the guest stands still.</summary>
    public static bool PausesBeforeSwitch(VmHandover record) => record.PostCopy || record.Disks.Count > 0;

    /// <param name="state">What QEMU says.</param>
    /// <param name="begun">This daemon has begun the migration. What else QEMU tells of a guest that runs, or is paused as it was, is of an earlier one, on either end.</param>
    /// <param name="paused">The guest was paused before.</param>
    public static SourceQemu QemuOf(MigrationState state, bool begun, bool paused = false) => state.Phase switch
    {
        // A guest that has powered off on its way: what is sent of it is nobody's.
        _ when state.Guest == RunState.Shutdown => SourceQemu.Gone,
        // A paused guest stands so after a failure in the switch, too.
        MigrationPhase.Failed when paused && state.Guest == RunState.PostMigrate => SourceQemu.Failed,
        MigrationPhase.Cancelled when paused && state.Guest == RunState.PostMigrate => SourceQemu.Cancelled,
        _ when state.Guest == RunState.PostMigrate => SourceQemu.Completed,
        // A monitor that has not answered in time tells nothing: a daemon that has just started knows no earlier phase either.
        // Nor does it tell whether the guest of one that has failed runs.
        MigrationPhase.None or MigrationPhase.Completed or MigrationPhase.Failed or MigrationPhase.Cancelled when state.Guest is null => SourceQemu.Unknown,
        MigrationPhase.None or MigrationPhase.Completed => SourceQemu.Idle,
        MigrationPhase.Failed or MigrationPhase.Cancelled when !begun && state.Guest == (paused ? RunState.Paused : RunState.Running) => SourceQemu.Idle,
        MigrationPhase.PreSwitchover => SourceQemu.PreSwitchover,
        MigrationPhase.Device => SourceQemu.Device,
        // QEMU names the switch only if it was to pause before it; else it goes on saying active while the guest stands still.
        MigrationPhase.Active when state.Guest == RunState.FinishMigrate => SourceQemu.Device,
        MigrationPhase.Failed => SourceQemu.Failed,
        MigrationPhase.Cancelled => SourceQemu.Cancelled,
        MigrationPhase.PostCopyPaused => SourceQemu.PostCopyPaused,
        MigrationPhase.PostCopyActive or MigrationPhase.PostCopyRecover => SourceQemu.PostCopy,
        _ => SourceQemu.Moving,
    };

    public static TargetQemu TargetQemuOf(MigrationState state) => state switch
    {
        { Phase: MigrationPhase.PostCopyPaused } => TargetQemu.PostCopyPaused,
        { Guest: RunState.Running } => TargetQemu.Running,
        { IsLoaded: true } => TargetQemu.Loaded,
        // The state of its devices is on its way still.
        { Guest: RunState.InMigrate } => TargetQemu.InMigrate,
        { Phase: MigrationPhase.PostCopyActive or MigrationPhase.PostCopyRecover } => TargetQemu.PostCopy,
        _ => TargetQemu.InMigrate,
    };

    public static MirrorState MirrorsOf(VmHandover record, IReadOnlyList<EngineMirror> mirrors)
    {
        if (record.Disks.Count == 0) return MirrorState.NotNeeded;
        if (mirrors.Count < record.Disks.Count) return mirrors.Count == 0 ? MirrorState.NotBegun : MirrorState.Partly;
        if (mirrors.Any(mirror => mirror.Stage == MirrorStage.Failed)) return MirrorState.Failed;
        if (mirrors.Any(mirror => mirror.Stage == MirrorStage.Copying)) return MirrorState.Filling;
        return mirrors.All(mirror => mirror.Stage == MirrorStage.Ended) ? MirrorState.Ended : MirrorState.Ready;
    }

    /// <summary>For how long the memory may be sent in precopy.</summary>
    public static TimeSpan TimeoutOf(VmHandover record, MigrationProgress? progress)
    {
        if (record.TimeoutSeconds is { } asked) return TimeSpan.FromSeconds(asked);
        if (progress is not { TransferredBytes: > 0, ElapsedMs: > 0 }) return LeastTimeout;
        var round = TimeSpan.FromMilliseconds((double)progress.TotalBytes / progress.TransferredBytes * progress.ElapsedMs);
        var rounds = progress.TransferredBytes < progress.TotalBytes ? MostRounds * round : MostRounds * round * Math.Max(1, progress.Passes - 1);
        return rounds > LeastTimeout ? rounds : LeastTimeout;
    }

    /// <summary>Why precopy does not come to an end, in words; null: it still may.</summary>
    /// <param name="record">Whether post-copy is there to help, and for how long it may take without.</param>
    /// <param name="progress">Null: nothing was sent.</param>
    public static string? StuckOf(VmHandover record, MigrationProgress? progress)
    {
        if (progress is null) return null;
        string slowed = progress.ThrottlePercent > 0 ? $", even slowed down by {progress.ThrottlePercent} %" : "";
        string writes = $"The guest writes {Sizes.Format(progress.DirtyBytesPerSecond)} a second{slowed}, and the link carries {Sizes.Format(progress.BytesPerSecond)}";
        if (progress.ElapsedMs >= TimeoutOf(record, progress).TotalMilliseconds) return $"{writes}: it has not got through in {Words(TimeoutOf(record, progress))}.";
        bool isOutrun = progress is { Passes: >= 2, BytesPerSecond: > 0 } && progress.DirtyBytesPerSecond >= progress.BytesPerSecond * 3 / 4;
        bool isSlowedEnough = record.PostCopy ? progress.ThrottlePercent >= PostCopyThrottlePercent : progress is { ThrottlePercent: >= LastThrottlePercent, Passes: >= LastPasses };
        return isOutrun && isSlowedEnough ? $"{writes}." : null;
    }

    public static Failure NotConverging(string why) => new()
    {
        Code = "migration.notConverging",
        Message = $"{why} The guest runs on where it was, at its own speed.",
        Remedy = "Allow post-copy (--allow-post-copy), give it more time (--timeout), or try when it is calmer or over a faster network.",
    };

    public static (int? Percent, string Words) Describe(SourceQemu qemu, VmHandover record, MigrationProgress? progress, bool targetIsReady) => qemu switch
    {
        SourceQemu.AtRest => (null, "handing over"),
        SourceQemu.Idle => (null, targetIsReady ? "copying disks" : "making the target ready"),
        SourceQemu.Completed => (99, "switching over"),
        _ when progress is null => (null, "connecting"),
        SourceQemu.PostCopyPaused => (PercentOf(progress), $"the guest runs at the other host, and the link to the rest of its memory is broken: {Sizes.Format(progress.RemainingBytes)} left; connecting anew"),
        SourceQemu.PostCopy => (PercentOf(progress), $"the guest runs at the other host, and the rest of its memory follows: {Sizes.Format(progress.RemainingBytes)} left{End(progress, 0)}"),
        _ => (PercentOf(progress), Words(record, progress)),
    };

    /// <summary>Of a VM that goes at rest with its files.</summary>
    public static (int? Percent, string Words) DescribeFiles(OperationTransfer files)
    {
        long total = files.TransferredBytes + files.RemainingBytes;
        string end = files.BytesPerSecond > 0 && files.RemainingBytes > 0 ? $", about {Math.Max(1, files.RemainingBytes / files.BytesPerSecond)} s to go" : "";
        return (total == 0 ? null : (int)Math.Min(99, files.TransferredBytes * 100 / total), $"copying files: {Sizes.Format(files.TransferredBytes)} of {Sizes.Format(total)}{end}");
    }

    public static OperationTransfer TransferOf(MigrationProgress progress) => new()
    {
        TransferredBytes = progress.TransferredBytes,
        RemainingBytes = progress.RemainingBytes,
        BytesPerSecond = progress.BytesPerSecond,
        DirtyBytesPerSecond = progress.DirtyBytesPerSecond,
        Passes = progress.Passes,
        ThrottlePercent = progress.ThrottlePercent,
        RemainingSeconds = RemainingSeconds(progress, progress.Phase.IsPostCopy() ? 0 : progress.DirtyBytesPerSecond),
        PostCopy = progress.Phase.IsPostCopy(),
    };

    private static int? PercentOf(MigrationProgress progress) =>
        progress.TotalBytes <= 0 ? null : (int)Math.Clamp(100 - (progress.RemainingBytes * 100 / progress.TotalBytes), 0, 99);

    private static string Words(VmHandover record, MigrationProgress progress)
    {
        string slowed = progress.ThrottlePercent > 0 ? $", slowed down by {progress.ThrottlePercent} %" : "";
        string last = progress.Passes < 2 ? "" : $", {(record.PostCopy ? "post-copy" : "given up")} after {Words(TimeoutOf(record, progress))}";
        return $"{Sizes.Format(progress.TransferredBytes)} sent, {Sizes.Format(progress.RemainingBytes)} left{End(progress, progress.DirtyBytesPerSecond)}, {Sizes.Format(progress.BytesPerSecond)}/s, {Sizes.Format(progress.DirtyBytesPerSecond)}/s written anew, pass {progress.Passes}{slowed}{last}";
    }

    private static string Words(TimeSpan time) => time.TotalMinutes >= 2 ? $"{time.TotalMinutes:0} min" : $"{time.TotalSeconds:0} s";

    private static string End(MigrationProgress progress, long writtenAnew) =>
        RemainingSeconds(progress, writtenAnew) is { } seconds ? $", about {seconds} s to go" : "";

    /// <summary>By how much faster it is sent than written anew; null: it is not.</summary>
    private static int? RemainingSeconds(MigrationProgress progress, long writtenAnew)
    {
        long net = progress.BytesPerSecond - writtenAnew;
        return net > 0 && progress.RemainingBytes > 0 ? (int)Math.Clamp(progress.RemainingBytes / net, 1, int.MaxValue) : null;
    }
}
