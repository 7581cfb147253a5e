using Lamina.Api;

namespace Lamina.Server.Migration.Plan;

/// <summary>
/// The rows of the table after COMMIT for a hand-over that may go on in post-copy: COMMIT came before the switch, on the source's word, and neither side can run
/// without the other until all of the memory is over. Whether it came to post-copy at all QEMU alone says: precopy may have ended just then.
/// </summary>
/// <remarks>
/// A broken link is counted: the source counts up <see cref="HandoverSource.Breaks"/>, the target listens anew and says so by <see cref="HandoverTarget.Recoveries"/>,
/// the source connects; if that fails it counts up again. When the time is over both processes end, and the VM starts from its disks.
/// </remarks>
internal static class PostCopyPlan
{
    public static MigrationStep Source(MigrationMoment moment)
    {
        var (source, target) = (moment.Source, moment.Target);
        bool isGivenUp = target.Word is { State: HandoverTargetState.Failed };
        return source.Qemu switch
        {
            SourceQemu.Unknown => new MigrationStep.Rest(),
            SourceQemu.Gone or SourceQemu.AtRest => Gone(moment),
            SourceQemu.PreSwitchover => isGivenUp ? new MigrationStep.KillSource() : new MigrationStep.Switch(),
            SourceQemu.Completed when target.HasTaken || isGivenUp => new MigrationStep.KillSource(),
            // It may have been precopy to the end: then the target waits for this word, since a source that fails in the last handshake runs on by itself.
            SourceQemu.Completed => source.Word is { Completed: true } ? new MigrationStep.Rest() : new MigrationStep.TellCompleted(),
            SourceQemu.PostCopy or SourceQemu.PostCopyPaused when isGivenUp || source.StalledFor >= moment.RecoverPatience => new MigrationStep.KillSource(),
            SourceQemu.PostCopy => source.StalledFor >= MigrationPlan.StallPatience ? new MigrationStep.BreakStream() : new MigrationStep.Rest(MigrationPlan.StallPatience - source.StalledFor),
            SourceQemu.PostCopyPaused => Reconnect(moment),
            SourceQemu.Device => new MigrationStep.Rest(),
            // It failed in the switch, and QEMU may have let the guest run on: it stands still until the target has decided.
            _ when target.HasTaken || isGivenUp => new MigrationStep.KillSource(),
            _ when !source.IsHalted => new MigrationStep.PauseSource(),
            _ => source.Word is { Failed: true } ? new MigrationStep.Rest() : new MigrationStep.TellStanding(),
        };
    }

    public static MigrationStep Target(MigrationMoment moment)
    {
        var (source, target) = (moment.Source, moment.Target);
        bool hasSourceEnded = source.Word is { Ended: true } or { Failed: true };
        bool isBroken = source.Word is { } word && word.Breaks > (target.Word?.Recoveries ?? 0);
        return target.Qemu switch
        {
            TargetQemu.Unknown => new MigrationStep.Rest(),
            TargetQemu.None or TargetQemu.Gone => Lost(moment),
            _ when target.IsWhole && target.HasTaken => target.Word is { State: HandoverTargetState.Whole } ? new MigrationStep.LetGo() : new MigrationStep.TellWhole(),
            TargetQemu.Running when !target.HasTaken => new MigrationStep.Done(),
            // Power cut, or deleted: the VM's own plan does it, and does not wait for memory that nobody needs.
            _ when target.HasTaken && target.IsOverruled => target.Word is { State: HandoverTargetState.Failed } ? new MigrationStep.LetGo() : new MigrationStep.TellFailed(MigrationFailures.Overruled),
            // All of it came in precopy, in spite of the commit: it is true only if the source did not run on after that, as one does that fails in the last handshake.
            TargetQemu.Loaded when source.Word is { Completed: true } => Continue(target),
            TargetQemu.Loaded when !hasSourceEnded => new MigrationStep.Rest(),
            _ when hasSourceEnded => new MigrationStep.KillTarget(),
            TargetQemu.PostCopyPaused when target.For >= moment.RecoverPatience => new MigrationStep.KillTarget(),
            TargetQemu.PostCopyPaused => isBroken ? new MigrationStep.Recover() : new MigrationStep.Rest(moment.RecoverPatience - target.For),
            // The source stands on a broken link that this side has not noticed. A QEMU that had not got the guest's devices yet ends by that, and is given back.
            TargetQemu.PostCopy or TargetQemu.Running or TargetQemu.InMigrate when isBroken => new MigrationStep.BreakStream(),
            TargetQemu.PostCopy when !target.HasTaken && !target.IsMute => Continue(target),
            _ => new MigrationStep.Rest(),
        };
    }

    private static MigrationStep Gone(MigrationMoment moment)
    {
        var (source, target) = (moment.Source, moment.Target);
        bool isDone = target.HasTaken && target.Word is { State: HandoverTargetState.Whole or HandoverTargetState.Failed };
        if (isDone) return new MigrationStep.Finish();
        return source.Word is { Ended: true } ? new MigrationStep.Rest() : new MigrationStep.TellEnded();
    }

    /// <summary>Each readiness of the target is tried once.</summary>
    private static MigrationStep Reconnect(MigrationMoment moment)
    {
        int ready = moment.Target.Word?.Recoveries ?? 0;
        var rest = new MigrationStep.Rest(moment.RecoverPatience - moment.Source.StalledFor);
        if (moment.Source.Word is { } word && word.Breaks > ready) return rest;
        return moment.Source.TriedRecoveries < ready ? new MigrationStep.Reconnect() : new MigrationStep.TellBroken();
    }

    private static MigrationStep Continue(TargetSeen target) =>
        target.RefusedFor >= MigrationPlan.ContinuePatience ? new MigrationStep.KillTarget() : new MigrationStep.ContinueTarget();

    private static MigrationStep Lost(MigrationMoment moment)
    {
        var (source, target) = (moment.Source, moment.Target);
        bool isSaid = target.Word is { State: HandoverTargetState.Failed };
        if (target.HasTaken)
        {
            if (!target.HasEnded) return new MigrationStep.ReportCrash(MemoryLost: true);
            return isSaid ? new MigrationStep.LetGo() : new MigrationStep.TellFailed(MigrationFailures.MemoryLost);
        }

        // The source may have failed at the switch and run on by itself: nothing starts before it says that it has ended.
        if (source.Word is { Ended: true }) return new MigrationStep.ReportCrash(MemoryLost: true);
        if (!target.MayHaveRun) return new MigrationStep.HandBack();
        return isSaid ? new MigrationStep.Rest() : new MigrationStep.TellFailed(MigrationFailures.MemoryLost);
    }
}
