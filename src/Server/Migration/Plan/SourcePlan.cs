using Lamina.Api;

namespace Lamina.Server.Migration.Plan;

/// <summary>The source's part of the table.</summary>
internal static class SourcePlan
{
    public static MigrationStep Prepared(MigrationMoment moment)
    {
        var (source, target) = (moment.Source, moment.Target);
        // The word once given, the target may have the VM at any moment: giving it up is still a transaction, and whoever comes first has it.
        if (source.Stop is { } why) return new MigrationStep.Abort(why);
        if (source.Qemu is not (SourceQemu.Completed or SourceQemu.Gone or SourceQemu.Unknown) && target.Word is { State: HandoverTargetState.Failed } failed)
            return new MigrationStep.Abort(failed.Failure ?? MigrationFailures.TargetLost);
        return source.Qemu switch
        {
            SourceQemu.Idle => Begin(moment),
            SourceQemu.Moving => source.WantsPostCopy ? new MigrationStep.StartPostCopy()
                : source.Mirrors == MirrorState.Failed ? new MigrationStep.Abort(MigrationFailures.MirrorFailed) : new MigrationStep.Rest(),
            SourceQemu.PreSwitchover => AtSwitch(moment),
            SourceQemu.Device => Within(MigrationPlan.DevicePatience, source.For, MigrationFailures.SwitchStuck),
            SourceQemu.Failed or SourceQemu.Cancelled => new MigrationStep.Abort(target.Word?.Failure ?? MigrationFailures.StreamFailed),
            SourceQemu.Completed => Completed(moment),
            // With its word the target may have it; without, what ended here ended for good.
            SourceQemu.Gone => source.Word is { Completed: true } ? Within(MigrationPlan.CommitPatience, moment.Waited, MigrationFailures.SourceEnded)
                : new MigrationStep.Abort(MigrationFailures.SourceEnded),
            // Post-copy begins after COMMIT only; silence never decides anything.
            _ => new MigrationStep.Rest(),
        };
    }

    /// <summary>ABORT is known to have won: nothing of the target is needed any more.</summary>
    public static MigrationStep Aborted(SourceSeen source) => source.Qemu switch
    {
        SourceQemu.Unknown => new MigrationStep.Rest(),
        SourceQemu.Moving or SourceQemu.PreSwitchover or SourceQemu.Device => new MigrationStep.Cancel(),
        SourceQemu.Gone or SourceQemu.AtRest => new MigrationStep.Finish(),
        _ when source.Mirrors is MirrorState.Partly or MirrorState.Filling or MirrorState.Ready => new MigrationStep.Cancel(),
        _ when source.IsHalted => new MigrationStep.ContinueSource(),
        _ when source.IsLoose => new MigrationStep.PauseSource(),
        // Copies that have failed or ended stay listed until they are closed, and would be taken for those of the next attempt.
        _ when source.Mirrors is MirrorState.Failed or MirrorState.Ended => new MigrationStep.Cancel(),
        _ => new MigrationStep.Finish(),
    };

    public static MigrationStep Committed(MigrationMoment moment) => moment switch
    {
        { Kind: HandoverKind.Cold } => new MigrationStep.Finish(),
        // Before the target says that it runs, it may still give the VM back.
        { Target.HasTaken: false } => new MigrationStep.Rest(),
        { Source.Qemu: SourceQemu.Gone } => new MigrationStep.Finish(),
        _ => new MigrationStep.KillSource(),
    };

    public static MigrationStep HandedBack(SourceSeen source) => source switch
    {
        { Qemu: SourceQemu.Unknown } => new MigrationStep.Rest(),
        { Qemu: SourceQemu.Gone } => new MigrationStep.Finish(),
        // There is no way back from post-copy, also when nothing has run at the target: it starts from its disks, here.
        { Qemu: SourceQemu.PostCopy or SourceQemu.PostCopyPaused } => new MigrationStep.KillSource(),
        { IsHalted: true } => new MigrationStep.TakeBack(),
        { IsLoose: true } => new MigrationStep.PauseSource(),
        _ => new MigrationStep.Finish(),
    };

    private static MigrationStep Begin(MigrationMoment moment)
    {
        if (moment.Source.Word is null) return new MigrationStep.TellDefinition();
        if (moment.Target.Word is null) return Within(MigrationPlan.PreparePatience, moment.Waited, MigrationFailures.TargetSlow);
        return moment.Source.Mirrors switch
        {
            MirrorState.NotBegun or MirrorState.Partly => new MigrationStep.BeginMirrors(),
            MirrorState.Filling => new MigrationStep.Rest(),
            MirrorState.Failed or MirrorState.Ended => new MigrationStep.Abort(MigrationFailures.MirrorFailed),
            _ => new MigrationStep.BeginMigration(),
        };
    }

    private static MigrationStep AtSwitch(MigrationMoment moment) => moment.Source switch
    {
        { Mirrors: MirrorState.Failed } => new MigrationStep.Abort(MigrationFailures.MirrorFailed),
        _ when moment.Source.For >= MigrationPlan.SwitchPatience => new MigrationStep.Abort(MigrationFailures.SwitchStuck),
        { Mirrors: MirrorState.Ready or MirrorState.Filling } => new MigrationStep.EndMirrors(),
        { WantsPostCopy: true, Word.AtSwitch: false } => new MigrationStep.TellAtSwitch(),
        { Word.AtSwitch: true } => new MigrationStep.Rest(MigrationPlan.SwitchPatience - moment.Source.For),
        _ => new MigrationStep.Switch(),
    };

    private static MigrationStep Completed(MigrationMoment moment) => moment switch
    {
        { Target.Word: { State: HandoverTargetState.Failed, Failure: var why } } => new MigrationStep.Abort(why ?? MigrationFailures.TargetLost),
        { Source.Word.Completed: true } => Within(MigrationPlan.CommitPatience, moment.Waited, MigrationFailures.NotTaken),
        _ => new MigrationStep.TellCompleted(),
    };

    private static MigrationStep Within(TimeSpan patience, TimeSpan waited, Failure why) =>
        waited < patience ? new MigrationStep.Rest(patience - waited) : new MigrationStep.Abort(why);
}
