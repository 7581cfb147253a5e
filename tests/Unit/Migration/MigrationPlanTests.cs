using Lamina.Api;
using Lamina.Server.Migration.Plan;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>Each row of the recovery table of the hand-over (decisions, live migration).</summary>
public class MigrationPlanTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);
    private static readonly HandoverSource Definition = new() { Nonce = "n", Definition = [1] };
    private static readonly HandoverSource Completed = Definition with { Completed = true };
    private static readonly HandoverTarget Listening = new() { Nonce = "n", State = HandoverTargetState.Listening };
    private static readonly HandoverTarget Failed = new() { Nonce = "n", State = HandoverTargetState.Failed };

    private static MigrationMoment Source(StorePhase phase, SourceQemu qemu) => new()
    {
        Side = MigrationSide.Source,
        Phase = phase,
        Source = new SourceSeen { Qemu = qemu, Word = Definition },
        Target = new TargetSeen { Qemu = TargetQemu.Unknown, Word = Listening },
    };

    private static MigrationMoment Target(StorePhase phase, TargetQemu qemu) => new()
    {
        Side = MigrationSide.Target,
        Phase = phase,
        Source = new SourceSeen { Qemu = SourceQemu.Unknown, Word = Definition },
        Target = new TargetSeen { Qemu = qemu, Word = Listening },
    };

    private static void Is<TStep>(MigrationMoment moment)
        where TStep : MigrationStep => Assert.IsType<TStep>(MigrationPlan.Next(moment));

    [Fact]
    public void UnknownIsSettledByAWriteAndLeavesBothAsTheyAre()
    {
        foreach (var qemu in Enum.GetValues<SourceQemu>()) Is<MigrationStep.Settle>(Source(StorePhase.Unknown, qemu));
        foreach (var qemu in Enum.GetValues<TargetQemu>()) Is<MigrationStep.Settle>(Target(StorePhase.Unknown, qemu));
    }

    [Fact]
    public void PreparedAndActiveDrivesOnOrAborts()
    {
        Is<MigrationStep.Rest>(Source(StorePhase.Prepared, SourceQemu.Moving));
        var moving = Source(StorePhase.Prepared, SourceQemu.Moving);
        Is<MigrationStep.Abort>(moving with { Source = moving.Source with { Stop = MigrationFailures.Cancelled } });
        Is<MigrationStep.Abort>(moving with { Target = moving.Target with { Word = Failed } });
        Is<MigrationStep.Cancel>(moving with { Phase = StorePhase.Aborted });
        Is<MigrationStep.Undo>(Target(StorePhase.Aborted, TargetQemu.InMigrate));
    }

    [Theory]
    [InlineData(SourceQemu.PreSwitchover)]
    [InlineData(SourceQemu.Device)]
    internal void PreparedAtTheSwitchHasADeadline(SourceQemu qemu)
    {
        var moment = Source(StorePhase.Prepared, qemu);
        Assert.IsNotType<MigrationStep.Abort>(MigrationPlan.Next(moment));
        Is<MigrationStep.Abort>(moment with { Source = moment.Source with { For = Long } });
        Is<MigrationStep.Cancel>(moment with { Phase = StorePhase.Aborted });
    }

    [Theory]
    [InlineData(SourceQemu.Failed)]
    [InlineData(SourceQemu.Cancelled)]
    internal void PreparedAndFailedAbortsAndLetsTheGuestGoOnIfItStands(SourceQemu qemu)
    {
        var moment = Source(StorePhase.Prepared, qemu);
        Is<MigrationStep.Abort>(moment);
        Is<MigrationStep.ContinueSource>(moment with { Phase = StorePhase.Aborted, Source = moment.Source with { IsHalted = true } });
        Is<MigrationStep.Finish>(moment with { Phase = StorePhase.Aborted });
    }

    /// <summary>What is left of copies would be taken for those of the next attempt.</summary>
    [Theory]
    [InlineData(MirrorState.Partly)]
    [InlineData(MirrorState.Failed)]
    [InlineData(MirrorState.Ended)]
    internal void AbortedWithCopiesLeftClosesThemOnceTheGuestRuns(MirrorState mirrors)
    {
        var moment = Source(StorePhase.Aborted, SourceQemu.Idle);
        moment = moment with { Source = moment.Source with { Mirrors = mirrors } };
        Is<MigrationStep.Cancel>(moment);
        if (mirrors != MirrorState.Partly) Is<MigrationStep.ContinueSource>(moment with { Source = moment.Source with { IsHalted = true } });
    }

    [Fact]
    public void CopiesOfWhichOnlySomeHaveBegunAreBegunAgain()
    {
        var moment = Source(StorePhase.Prepared, SourceQemu.Idle);
        Is<MigrationStep.BeginMirrors>(moment with { Source = moment.Source with { Mirrors = MirrorState.Partly, Word = Completed with { Completed = false } }, Target = moment.Target with { Word = Listening } });
    }

    [Fact]
    public void PreparedPostmigrateAndLoadedCommitsOrAbortsAtTheDeadline()
    {
        var source = Source(StorePhase.Prepared, SourceQemu.Completed);
        Is<MigrationStep.TellCompleted>(source);
        source = source with { Source = source.Source with { Word = Completed, IsHalted = true } };
        Is<MigrationStep.Rest>(source);
        Is<MigrationStep.Abort>(source with { Waited = Long });
        Is<MigrationStep.ContinueSource>(source with { Phase = StorePhase.Aborted });
        var target = Target(StorePhase.Prepared, TargetQemu.Loaded);
        Is<MigrationStep.Rest>(target);
        Is<MigrationStep.Commit>(target with { Source = target.Source with { Word = Completed } });
    }

    [Fact]
    public void PreparedPostmigrateAndATargetThatIsGoneAborts()
    {
        var target = Target(StorePhase.Prepared, TargetQemu.Gone);
        Is<MigrationStep.TellFailed>(target with { Source = target.Source with { Word = Completed } });
        var source = Source(StorePhase.Prepared, SourceQemu.Completed);
        Is<MigrationStep.Abort>(source with { Source = source.Source with { Word = Completed }, Target = source.Target with { Word = Failed } });
    }

    [Fact]
    public void PreparedAndASourceThatIsGoneIsTheTargetsOnlyByItsWord()
    {
        var source = Source(StorePhase.Prepared, SourceQemu.Gone);
        Is<MigrationStep.Abort>(source);
        Is<MigrationStep.Rest>(source with { Source = source.Source with { Word = Completed } });
        Is<MigrationStep.Finish>(source with { Phase = StorePhase.Aborted });
    }

    [Fact]
    public void PreparedAndASourceThatCannotBeReachedWaits()
    {
        Is<MigrationStep.Rest>(Source(StorePhase.Prepared, SourceQemu.Unknown));
        Is<MigrationStep.Rest>(Target(StorePhase.Prepared, TargetQemu.Loaded) with { Waited = Long });
    }

    [Fact]
    public void CommittedAndPausedRunsOrIsGivenBack()
    {
        var target = Target(StorePhase.Committed, TargetQemu.Loaded);
        Is<MigrationStep.ContinueTarget>(target);
        Is<MigrationStep.ContinueTarget>(target with { Target = target.Target with { RefusedFor = TimeSpan.FromSeconds(1) } });
        Is<MigrationStep.KillTarget>(target with { Target = target.Target with { RefusedFor = Long } });
        Is<MigrationStep.HandBack>(target with { Target = target.Target with { Qemu = TargetQemu.Gone, RefusedFor = Long } });
    }

    /// <summary>It is done when the process has the disks, and nothing lets it run; given back, it is halted at the source again.</summary>
    [Fact]
    public void CommittedAndToStayPausedTakesItsDisksOrIsGivenBack()
    {
        var target = Target(StorePhase.Committed, TargetQemu.Loaded) with { StaysPaused = true };
        Is<MigrationStep.HoldTarget>(target);
        Is<MigrationStep.HoldTarget>(target with { Target = target.Target with { RefusedFor = TimeSpan.FromSeconds(1) } });
        Is<MigrationStep.KillTarget>(target with { Target = target.Target with { RefusedFor = Long } });
        Is<MigrationStep.Done>(target with { Target = target.Target with { HasDisks = true } });
        Is<MigrationStep.HandBack>(target with { Target = target.Target with { Qemu = TargetQemu.Gone } });
        var back = Source(StorePhase.HandedBack, SourceQemu.Completed) with { StaysPaused = true };
        Is<MigrationStep.TakeBack>(back with { Source = back.Source with { IsHalted = true } });
        Is<MigrationStep.PauseSource>(back with { Source = back.Source with { Qemu = SourceQemu.Idle, IsLoose = true } });
        Is<MigrationStep.Finish>(back with { Source = back.Source with { Qemu = SourceQemu.Idle } });
    }

    [Fact]
    public void AbortedAndToStayPausedIsLedOutOfTheMigrationAndHalted()
    {
        var source = Source(StorePhase.Aborted, SourceQemu.Failed) with { StaysPaused = true };
        Is<MigrationStep.ContinueSource>(source with { Source = source.Source with { IsHalted = true } });
        Is<MigrationStep.PauseSource>(source with { Source = source.Source with { IsLoose = true } });
        Is<MigrationStep.Finish>(source);
    }

    [Fact]
    public void CommittedAndRunningIsDoneAndEndsTheSource()
    {
        Is<MigrationStep.Done>(Target(StorePhase.Committed, TargetQemu.Running));
        var source = Source(StorePhase.Committed, SourceQemu.Completed);
        Is<MigrationStep.Rest>(source with { Waited = Long });
        source = source with { Target = source.Target with { HasTaken = true } };
        Is<MigrationStep.KillSource>(source);
        Is<MigrationStep.Finish>(source with { Source = source.Source with { Qemu = SourceQemu.Gone } });
    }

    [Fact]
    public void CommittedAndGoneIsGivenBackOnlyIfItHasNotRun()
    {
        var target = Target(StorePhase.Committed, TargetQemu.Gone);
        Is<MigrationStep.HandBack>(target);
        Is<MigrationStep.ReportCrash>(target with { Target = target.Target with { MayHaveRun = true } });
        var back = Source(StorePhase.HandedBack, SourceQemu.Completed);
        Is<MigrationStep.TakeBack>(back with { Source = back.Source with { IsHalted = true } });
        Is<MigrationStep.Finish>(back);
    }

    [Fact]
    public void AnEpochAboveBothEndsBoth()
    {
        Is<MigrationStep.KillSource>(Source(StorePhase.Outlived, SourceQemu.Completed));
        Is<MigrationStep.KillTarget>(Target(StorePhase.Outlived, TargetQemu.Running));
    }

    [Fact]
    public void AStoppedVmGoesOverOnTheSourcesWord()
    {
        var source = Source(StorePhase.Prepared, SourceQemu.AtRest) with { Kind = HandoverKind.Cold };
        Is<MigrationStep.TellCompleted>(source with { Source = source.Source with { Word = null } });
        Is<MigrationStep.Rest>(source with { Source = source.Source with { Word = Completed } });
        Is<MigrationStep.Abort>(source with { Source = source.Source with { Qemu = SourceQemu.Idle } });
        var target = Target(StorePhase.Prepared, TargetQemu.None) with { Kind = HandoverKind.Cold };
        target = target with { Target = target.Target with { Word = null } };
        Is<MigrationStep.Rest>(target);
        Is<MigrationStep.Commit>(target with { Source = target.Source with { Word = Completed } });
        Is<MigrationStep.LetGo>(target with { Phase = StorePhase.Committed });
    }
}
