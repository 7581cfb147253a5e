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
    /// <summary>Connections for the memory, where post-copy does not forbid more than one.</summary>
    private const int Streams = 2;

    /// <summary>A guest that is throttled so far, after so many passes, does not get through.</summary>
    private const int LastThrottlePercent = 90;
    private const int LastPasses = 30;

    public static MigrationTransport TransportOf(VmHandover record) =>
        record.PostCopy ? new MigrationTransport { PostCopy = true } : new MigrationTransport { Streams = Streams };

    /// <summary>Mirrors are ended, and post-copy is decided on, while the guest stands still.</summary>
    public static bool PausesBeforeSwitch(VmHandover record) => record.PostCopy || record.Disks.Count > 0;

    /// <param name="state">What QEMU says.</param>
    /// <param name="begun">This daemon has begun the migration. What else QEMU tells of a guest that runs is of an earlier one, on either end.</param>
    public static SourceQemu QemuOf(MigrationState state, bool begun) => state.Phase switch
    {
        // A guest that has powered off on its way: what is sent of it is nobody's.
        _ when state.Guest == RunState.Shutdown => SourceQemu.Gone,
        _ when state.Guest == RunState.PostMigrate => SourceQemu.Completed,
        // A monitor that has not answered in time tells nothing: a daemon that has just started knows no earlier phase either.
        // Nor does it tell whether the guest of one that has failed runs.
        MigrationPhase.None or MigrationPhase.Completed or MigrationPhase.Failed or MigrationPhase.Cancelled when state.Guest is null => SourceQemu.Unknown,
        MigrationPhase.None or MigrationPhase.Completed => SourceQemu.Idle,
        MigrationPhase.Failed or MigrationPhase.Cancelled when !begun && state.Guest == RunState.Running => SourceQemu.Idle,
        MigrationPhase.PreSwitchover => SourceQemu.PreSwitchover,
        MigrationPhase.Device => SourceQemu.Device,
        MigrationPhase.Failed => SourceQemu.Failed,
        MigrationPhase.Cancelled => SourceQemu.Cancelled,
        MigrationPhase.PostCopyPaused => SourceQemu.PostCopyPaused,
        MigrationPhase.PostCopyActive or MigrationPhase.PostCopyRecover => SourceQemu.PostCopy,
        _ => SourceQemu.Moving,
    };

    public static TargetQemu TargetQemuOf(MigrationState state) => state switch
    {
        { Guest: RunState.Running } => TargetQemu.Running,
        { IsLoaded: true } => TargetQemu.Loaded,
        { Phase: MigrationPhase.PostCopyPaused } => TargetQemu.PostCopyPaused,
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

    /// <summary>It writes about as fast as the link carries.</summary>
    public static bool NeedsPostCopy(MigrationProgress? progress) =>
        progress is { Passes: >= 2, BytesPerSecond: > 0 } && progress.DirtyBytesPerSecond >= progress.BytesPerSecond * 3 / 4;

    /// <summary>Null: it may still come to an end.</summary>
    public static Failure? ProblemOf(MigrationProgress? progress) => progress is { ThrottlePercent: >= LastThrottlePercent, Passes: >= LastPasses }
        ? new Failure
        {
            Code = "migration.notConverging",
            Message = $"The guest writes {Sizes.Format(progress.DirtyBytesPerSecond)} a second, which is more than the link carries, even slowed down by {progress.ThrottlePercent} %.",
            Remedy = "Try when it is calmer, or over a faster network.",
        }
        : null;

    public static (int? Percent, string Words) Describe(SourceQemu qemu, MigrationProgress? progress, bool targetIsReady) => qemu switch
    {
        SourceQemu.AtRest => (null, "handing over"),
        SourceQemu.Idle => (null, targetIsReady ? "copying disks" : "making the target ready"),
        SourceQemu.Completed => (99, "switching over"),
        _ when progress is null => (null, "connecting"),
        _ => (PercentOf(progress), Words(progress)),
    };

    /// <summary>Of a VM that goes at rest with its files.</summary>
    public static (int? Percent, string Words) DescribeFiles(OperationTransfer files)
    {
        long total = files.TransferredBytes + files.RemainingBytes;
        string end = files.BytesPerSecond > 0 && files.RemainingBytes > 0 ? $", done in about {Math.Max(1, files.RemainingBytes / files.BytesPerSecond)} s" : "";
        return (total == 0 ? null : (int)Math.Min(99, files.TransferredBytes * 100 / total), $"copying files: {Sizes.Format(files.TransferredBytes)} of {Sizes.Format(total)}{end}");
    }

    public static OperationTransfer TransferOf(MigrationProgress progress) => new()
    {
        TransferredBytes = progress.TransferredBytes,
        RemainingBytes = progress.RemainingBytes,
        BytesPerSecond = progress.BytesPerSecond,
        DirtyBytesPerSecond = progress.DirtyBytesPerSecond,
    };

    private static int? PercentOf(MigrationProgress progress) =>
        progress.TotalBytes <= 0 ? null : (int)Math.Clamp(100 - (progress.RemainingBytes * 100 / progress.TotalBytes), 0, 99);

    private static string Words(MigrationProgress progress)
    {
        long net = progress.BytesPerSecond - progress.DirtyBytesPerSecond;
        string end = net > 0 && progress.RemainingBytes > 0 ? $", done in about {Math.Max(1, progress.RemainingBytes / net)} s" : "";
        return $"{Sizes.Format(progress.TransferredBytes)} sent, {Sizes.Format(progress.RemainingBytes)} left, {Sizes.Format(progress.DirtyBytesPerSecond)}/s written anew, pass {progress.Passes}{end}";
    }
}
