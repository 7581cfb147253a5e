using Lamina.Api;

namespace Lamina.Server.Migration.Plan;

/// <summary>The target's part of the table.</summary>
internal static class TargetPlan
{
    public static MigrationStep Prepared(MigrationMoment moment)
    {
        var (source, target) = (moment.Source, moment.Target);
        if (target.Word?.State == HandoverTargetState.Failed) return target.Qemu is TargetQemu.None or TargetQemu.Gone ? new MigrationStep.Rest() : new MigrationStep.Undo();
        return target.Qemu switch
        {
            _ when source.Word is null => new MigrationStep.Rest(),
            // What is here without a word is left from an earlier attempt, or from a daemon that died before it could say so: made anew.
            _ when target.Word is null => new MigrationStep.Build(),
            // What was there and is not any more took the guest's memory with it.
            TargetQemu.None or TargetQemu.Gone => new MigrationStep.TellFailed(MigrationFailures.TargetLost),
            TargetQemu.InMigrate when moment.PostCopy && source.Word.AtSwitch => new MigrationStep.Commit(),
            TargetQemu.Loaded when source.Word.Completed => new MigrationStep.Commit(),
            _ => new MigrationStep.Rest(),
        };
    }

    public static MigrationStep Committed(MigrationMoment moment) => moment.Target switch
    {
        { Qemu: TargetQemu.Running } => new MigrationStep.Done(),
        { Qemu: TargetQemu.Loaded, HasDisks: true } => new MigrationStep.Done(),
        { Qemu: TargetQemu.Loaded, RefusedFor: { } refused } when refused >= MigrationPlan.ContinuePatience => new MigrationStep.KillTarget(),
        { Qemu: TargetQemu.Loaded } => moment.StaysPaused ? new MigrationStep.HoldTarget() : new MigrationStep.ContinueTarget(),
        { Qemu: TargetQemu.None or TargetQemu.Gone, MayHaveRun: true } => new MigrationStep.ReportCrash(MemoryLost: false),
        { Qemu: TargetQemu.None or TargetQemu.Gone } => new MigrationStep.HandBack(),
        _ => new MigrationStep.Rest(),
    };
}
