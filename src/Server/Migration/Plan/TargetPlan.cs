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
            TargetQemu.None when source.Word is null => new MigrationStep.Rest(),
            // What was there and is not any more took the guest's memory with it.
            TargetQemu.None when target.Word is null => new MigrationStep.Build(),
            TargetQemu.None or TargetQemu.Gone => new MigrationStep.TellFailed(MigrationFailures.TargetLost),
            TargetQemu.InMigrate when target.Word is null => new MigrationStep.TellFailed(MigrationFailures.TargetLost),
            TargetQemu.InMigrate when moment.PostCopy && source.Word is { AtSwitch: true } => new MigrationStep.Commit(),
            TargetQemu.Loaded when source.Word is { Completed: true } => new MigrationStep.Commit(),
            _ => new MigrationStep.Rest(),
        };
    }

    public static MigrationStep Committed(TargetSeen target, bool postCopy) => target switch
    {
        { Qemu: TargetQemu.Running } => new MigrationStep.Done(),
        { Qemu: TargetQemu.Loaded or TargetQemu.PostCopy, RefusedFor: { } refused } when refused >= MigrationPlan.ContinuePatience => new MigrationStep.KillTarget(),
        { Qemu: TargetQemu.Loaded or TargetQemu.PostCopy } => new MigrationStep.ContinueTarget(),
        { Qemu: TargetQemu.PostCopyPaused } => target.For < MigrationPlan.RecoverPatience ? new MigrationStep.Recover() : new MigrationStep.KillTarget(),
        { Qemu: TargetQemu.None or TargetQemu.Gone } when postCopy => new MigrationStep.ReportCrash(MemoryLost: true),
        { Qemu: TargetQemu.None or TargetQemu.Gone, MayHaveRun: true } => new MigrationStep.ReportCrash(MemoryLost: false),
        { Qemu: TargetQemu.None or TargetQemu.Gone } => new MigrationStep.HandBack(),
        _ => new MigrationStep.Rest(),
    };
}
