using Lamina.Api;

namespace Lamina.Server.Migration.Plan;

/// <summary>
/// The hand-over's recovery table (pure): from what the store says and what is seen of either QEMU, the one next step of the side that asks. It is the
/// straight way as well: a daemon that dies anywhere and starts anew asks the same question. Both sides ask the same table; what one side does not
/// know, the store decides, since ABORT and COMMIT compare the same revision.
/// </summary>
/// <remarks>
/// <code>
///             COMMIT (target)             HAND-BACK (target)
///   prepared ─────────────────► committed ────────────────► handedBack
///      │                            │ DONE                      │
///      │ ABORT (source)             ▼                           ▼
///      └──────► aborted ──────► (gone) ◄────────────────────────┘
/// </code>
/// Never: <c>cont</c> at the source while prepared, committed or unknown; <c>cont</c> at the target before its COMMIT is known; a kill without the store's word.
/// </remarks>
internal static class MigrationPlan
{
    /// <summary>How long the target may take to listen, and the source to tell what it has.</summary>
    public static readonly TimeSpan PreparePatience = TimeSpan.FromSeconds(60);

    /// <summary>How long the guest may stand still just before the switch.</summary>
    public static readonly TimeSpan SwitchPatience = TimeSpan.FromSeconds(10);

    /// <summary>How long QEMU may take for the state of the devices.</summary>
    public static readonly TimeSpan DevicePatience = TimeSpan.FromSeconds(5);

    /// <summary>How long the target may take to commit once it has the source's word.</summary>
    public static readonly TimeSpan CommitPatience = TimeSpan.FromSeconds(10);

    /// <summary>How long <c>cont</c> is tried at the target: a lock of the source's file system may last.</summary>
    public static readonly TimeSpan ContinuePatience = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan ContinuePause = TimeSpan.FromMilliseconds(200);

    /// <summary>How long post-copy may stand still on a broken link, unless the settings say otherwise.</summary>
    public static readonly TimeSpan RecoverPatience = TimeSpan.FromMinutes(5);

    /// <summary>How long post-copy may send nothing before its link is taken for broken: TCP alone would take a quarter of an hour to say so.</summary>
    public static readonly TimeSpan StallPatience = TimeSpan.FromSeconds(10);

    public static MigrationStep Next(MigrationMoment moment) => moment switch
    {
        { Phase: StorePhase.Unknown } => new MigrationStep.Settle(),
        { Side: MigrationSide.Source } => moment.Phase switch
        {
            StorePhase.Prepared => moment.Kind == HandoverKind.Cold ? ColdSource(moment) : SourcePlan.Prepared(moment),
            StorePhase.Aborted => SourcePlan.Aborted(moment.Source),
            StorePhase.Committed => moment.PostCopy ? PostCopyPlan.Source(moment) : SourcePlan.Committed(moment),
            StorePhase.HandedBack => SourcePlan.HandedBack(moment.Source),
            StorePhase.Outlived => moment.Source.Qemu is SourceQemu.Gone or SourceQemu.AtRest ? new MigrationStep.Finish() : new MigrationStep.KillSource(),
            _ => new MigrationStep.LetGo(),
        },
        _ => moment.Phase switch
        {
            StorePhase.Prepared => moment.Kind == HandoverKind.Cold ? ColdTarget(moment) : TargetPlan.Prepared(moment),
            StorePhase.Committed when moment.PostCopy => PostCopyPlan.Target(moment),
            StorePhase.Committed => moment.Kind == HandoverKind.Cold || moment.Target.HasTaken ? new MigrationStep.LetGo() : TargetPlan.Committed(moment),
            StorePhase.Outlived => moment.Target.Qemu is TargetQemu.None or TargetQemu.Gone ? new MigrationStep.LetGo() : new MigrationStep.KillTarget(),
            // Gone: by the source's hand after ABORT or hand-back, or after DONE, when the VM is this host's already.
            StorePhase.Gone when moment.Target.HasTaken => new MigrationStep.LetGo(),
            _ => new MigrationStep.Undo(),
        },
    };

    private static MigrationStep ColdSource(MigrationMoment moment) => moment switch
    {
        { Source.Stop: { } why } => new MigrationStep.Abort(why),
        { Source.Qemu: SourceQemu.Unknown } => new MigrationStep.Rest(),
        { Source.Qemu: not (SourceQemu.AtRest or SourceQemu.Gone) } => new MigrationStep.Abort(MigrationFailures.StillRunning),
        { Target.Word: { State: HandoverTargetState.Failed, Failure: var why } } => new MigrationStep.Abort(why ?? MigrationFailures.TargetLost),
        { Source.Word: null } => new MigrationStep.TellCompleted(),
        _ => new MigrationStep.Rest(),
    };

    private static MigrationStep ColdTarget(MigrationMoment moment) => moment switch
    {
        // What has come is of no use any more; the source gives it up when it hears so.
        { Target.Word: not null } => moment.Target.Content is ContentState.NotNeeded ? new MigrationStep.Rest() : new MigrationStep.Undo(),
        { Source.Word: not { Completed: true } } => new MigrationStep.Rest(),
        { Target.Content: ContentState.Missing } => new MigrationStep.Fetch(),
        { Target.Content: ContentState.Coming } => new MigrationStep.Rest(),
        { Target.Content: ContentState.Failed } => new MigrationStep.TellFailed(moment.Target.ContentFailure ?? MigrationFailures.TargetLost),
        _ => new MigrationStep.Commit(),
    };
}
