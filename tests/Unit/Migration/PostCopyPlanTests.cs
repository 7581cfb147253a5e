using Lamina.Api;
using Lamina.Server.Migration.Plan;

namespace Lamina.Tests.Unit.Migration;

/// <summary>The rows of the recovery table that are about post-copy, on either side.</summary>
public class PostCopyPlanTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);
    private static readonly HandoverSource AtSwitch = new() { Nonce = "n", Definition = [1], AtSwitch = true };
    private static readonly HandoverTarget Listening = new() { Nonce = "n", State = HandoverTargetState.Listening };

    private static MigrationMoment Source(StorePhase phase, SourceQemu qemu, HandoverSource? word = null) => new()
    {
        Side = MigrationSide.Source,
        Phase = phase,
        PostCopy = true,
        Source = new SourceSeen { Qemu = qemu, Word = word ?? AtSwitch },
        Target = new TargetSeen { Qemu = TargetQemu.Unknown, Word = Listening },
    };

    private static MigrationMoment Target(StorePhase phase, TargetQemu qemu, HandoverSource? word = null) => new()
    {
        Side = MigrationSide.Target,
        Phase = phase,
        PostCopy = true,
        Source = new SourceSeen { Qemu = SourceQemu.Unknown, Word = word ?? AtSwitch },
        Target = new TargetSeen { Qemu = qemu, Word = Listening, MayHaveRun = true },
    };

    private static MigrationMoment With(MigrationMoment moment, Func<SourceSeen, SourceSeen> change) => moment with { Source = change(moment.Source) };

    private static MigrationMoment With(MigrationMoment moment, Func<TargetSeen, TargetSeen> change) => moment with { Target = change(moment.Target) };

    private static void Is<TStep>(MigrationMoment moment)
        where TStep : MigrationStep => Assert.IsType<TStep>(MigrationPlan.Next(moment));

    [Fact]
    public void ItBeginsOnlyWherePrecopyDoesNotGetThrough()
    {
        var moving = Source(StorePhase.Prepared, SourceQemu.Moving, AtSwitch with { AtSwitch = false });
        Is<MigrationStep.Rest>(moving);
        Is<MigrationStep.StartPostCopy>(With(moving, (SourceSeen seen) => seen with { WantsPostCopy = true }));
        var atSwitch = Source(StorePhase.Prepared, SourceQemu.PreSwitchover, AtSwitch with { AtSwitch = false });
        Is<MigrationStep.Switch>(atSwitch);
        Is<MigrationStep.TellAtSwitch>(With(atSwitch, (SourceSeen seen) => seen with { WantsPostCopy = true }));
    }

    [Fact]
    public void CommitComesBeforeTheSwitchOnTheSourcesWordAlone()
    {
        Is<MigrationStep.Rest>(With(Source(StorePhase.Prepared, SourceQemu.PreSwitchover), (SourceSeen seen) => seen with { WantsPostCopy = true }));
        Is<MigrationStep.Rest>(Target(StorePhase.Prepared, TargetQemu.InMigrate, AtSwitch with { AtSwitch = false }));
        Is<MigrationStep.Commit>(Target(StorePhase.Prepared, TargetQemu.InMigrate));
        Is<MigrationStep.Switch>(Source(StorePhase.Committed, SourceQemu.PreSwitchover));
        Is<MigrationStep.Rest>(Target(StorePhase.Committed, TargetQemu.InMigrate));
        Is<MigrationStep.ContinueTarget>(Target(StorePhase.Committed, TargetQemu.PostCopy));
    }

    [Fact]
    public void AMuteTargetIsNotToldTwiceToRun() => Is<MigrationStep.Rest>(With(Target(StorePhase.Committed, TargetQemu.PostCopy), (TargetSeen seen) => seen with { IsMute = true }));

    /// <summary>The cut last handshake after COMMIT: the source fails and runs on by itself, and the target has everything.</summary>
    [Fact]
    public void WhatPrecopyBroughtAfterAllRunsOnlyOnTheSourcesLastWord()
    {
        var loaded = Target(StorePhase.Committed, TargetQemu.Loaded);
        Is<MigrationStep.Rest>(loaded);
        Is<MigrationStep.ContinueTarget>(With(loaded, (SourceSeen seen) => seen with { Word = AtSwitch with { Completed = true } }));
        Is<MigrationStep.KillTarget>(With(loaded, (SourceSeen seen) => seen with { Word = AtSwitch with { Failed = true } }));
        Is<MigrationStep.KillTarget>(With(loaded, (SourceSeen seen) => seen with { Word = AtSwitch with { Ended = true } }));
        Is<MigrationStep.TellCompleted>(Source(StorePhase.Committed, SourceQemu.Completed));
        var failed = Source(StorePhase.Committed, SourceQemu.Failed);
        Is<MigrationStep.PauseSource>(failed);
        failed = With(failed, (SourceSeen seen) => seen with { IsHalted = true });
        Is<MigrationStep.TellStanding>(failed);
        Is<MigrationStep.Rest>(With(failed, (SourceSeen seen) => seen with { Word = AtSwitch with { Failed = true } }));
        Is<MigrationStep.KillSource>(With(failed, (TargetSeen seen) => seen with { HasTaken = true }));
        Is<MigrationStep.TakeBack>(failed with { Phase = StorePhase.HandedBack });
        Is<MigrationStep.TellEnded>(Source(StorePhase.Committed, SourceQemu.Gone));
    }

    [Fact]
    public void ItIsOverWhenTheTargetIsWholeAndSaysSo()
    {
        var target = With(Target(StorePhase.Committed, TargetQemu.Running), (TargetSeen seen) => seen with { HasTaken = true });
        Is<MigrationStep.Done>(With(target, (TargetSeen seen) => seen with { HasTaken = false }));
        Is<MigrationStep.Rest>(target);
        var whole = With(target, (TargetSeen seen) => seen with { IsWhole = true });
        Is<MigrationStep.TellWhole>(whole);
        Is<MigrationStep.LetGo>(With(whole, (TargetSeen seen) => seen with { Word = Listening with { State = HandoverTargetState.Whole } }));
        var source = Source(StorePhase.Committed, SourceQemu.Completed);
        Is<MigrationStep.KillSource>(With(source, (TargetSeen seen) => seen with { HasTaken = true }));
        source = Source(StorePhase.Committed, SourceQemu.Gone, AtSwitch with { Ended = true });
        Is<MigrationStep.Rest>(With(source, (TargetSeen seen) => seen with { HasTaken = true }));
        Is<MigrationStep.Finish>(With(source, (TargetSeen seen) => seen with { HasTaken = true, Word = Listening with { State = HandoverTargetState.Whole } }));
    }

    /// <summary>Each break is counted, the target listens anew for it, the source connects once; if that fails it is another break.</summary>
    [Fact]
    public void ABrokenLinkIsMendedStepByStep()
    {
        var paused = Source(StorePhase.Committed, SourceQemu.PostCopyPaused);
        Is<MigrationStep.TellBroken>(paused);
        var told = Source(StorePhase.Committed, SourceQemu.PostCopyPaused, AtSwitch with { Breaks = 1 });
        Is<MigrationStep.Rest>(told);
        var target = Target(StorePhase.Committed, TargetQemu.PostCopyPaused);
        Is<MigrationStep.Rest>(target);
        target = With(target, (SourceSeen seen) => seen with { Word = AtSwitch with { Breaks = 1 } });
        Is<MigrationStep.Recover>(target);
        Is<MigrationStep.BreakStream>(With(target, (TargetSeen seen) => seen with { Qemu = TargetQemu.Running, HasTaken = true }));
        Is<MigrationStep.BreakStream>(With(target, (TargetSeen seen) => seen with { Qemu = TargetQemu.PostCopy, IsMute = true }));
        Is<MigrationStep.BreakStream>(With(target, (TargetSeen seen) => seen with { Qemu = TargetQemu.InMigrate }));
        Is<MigrationStep.Rest>(With(target, (TargetSeen seen) => seen with { Word = Listening with { Recoveries = 1 } }));
        var ready = With(told, (TargetSeen seen) => seen with { Word = Listening with { Recoveries = 1 } });
        Is<MigrationStep.Reconnect>(ready);
        Is<MigrationStep.TellBroken>(With(ready, (SourceSeen seen) => seen with { TriedRecoveries = 1 }));
    }

    [Fact]
    public void ALinkThatCarriesNothingIsBrokenWithoutWaitingForTcp()
    {
        var source = Source(StorePhase.Committed, SourceQemu.PostCopy);
        Is<MigrationStep.Rest>(source);
        Is<MigrationStep.BreakStream>(With(source, (SourceSeen seen) => seen with { StalledFor = MigrationPlan.StallPatience }));
    }

    [Fact]
    public void WhenTheTimeIsOverBothEndAndTheMemoryIsLost()
    {
        Is<MigrationStep.KillSource>(With(Source(StorePhase.Committed, SourceQemu.PostCopyPaused), (SourceSeen seen) => seen with { StalledFor = Long }));
        Is<MigrationStep.KillTarget>(With(Target(StorePhase.Committed, TargetQemu.PostCopyPaused), (TargetSeen seen) => seen with { For = Long, HasTaken = true }));
        var ended = AtSwitch with { Ended = true };
        Is<MigrationStep.KillTarget>(With(Target(StorePhase.Committed, TargetQemu.Running, ended), (TargetSeen seen) => seen with { HasTaken = true }));
        var gone = With(Target(StorePhase.Committed, TargetQemu.Gone, ended), (TargetSeen seen) => seen with { HasTaken = true });
        Assert.True(Assert.IsType<MigrationStep.ReportCrash>(MigrationPlan.Next(gone)).MemoryLost);
        gone = With(gone, (TargetSeen seen) => seen with { HasEnded = true });
        Is<MigrationStep.TellFailed>(gone);
        gone = With(gone, (TargetSeen seen) => seen with { Word = Listening with { State = HandoverTargetState.Failed } });
        Is<MigrationStep.LetGo>(gone);
    }

    [Fact]
    public void ATargetThatIsGoneIsGivenBackOnlyIfItHasNotRun()
    {
        var gone = Target(StorePhase.Committed, TargetQemu.Gone);
        Is<MigrationStep.HandBack>(With(gone, (TargetSeen seen) => seen with { MayHaveRun = false }));
        Is<MigrationStep.TellFailed>(gone);
        var failed = Listening with { State = HandoverTargetState.Failed };
        gone = With(gone, (TargetSeen seen) => seen with { Word = failed });
        Is<MigrationStep.Rest>(gone);
        Is<MigrationStep.ReportCrash>(With(gone, (SourceSeen seen) => seen with { Word = AtSwitch with { Ended = true } }));
        foreach (var qemu in new[] { SourceQemu.PostCopy, SourceQemu.PostCopyPaused, SourceQemu.Completed, SourceQemu.PreSwitchover })
            Is<MigrationStep.KillSource>(With(Source(StorePhase.Committed, qemu), (TargetSeen seen) => seen with { Word = failed }));
    }

    /// <summary>Given back: what never left goes on, what is in post-copy has no way back.</summary>
    [Fact]
    public void AfterAHandBackOnlyAGuestBeforeTheSwitchGoesOn()
    {
        Is<MigrationStep.TakeBack>(With(Source(StorePhase.HandedBack, SourceQemu.PreSwitchover), (SourceSeen seen) => seen with { IsHalted = true }));
        Is<MigrationStep.KillSource>(With(Source(StorePhase.HandedBack, SourceQemu.PostCopyPaused), (SourceSeen seen) => seen with { IsHalted = true }));
    }

    [Fact]
    public void AnOrderToEndItDoesNotWaitForMemoryThatNobodyNeeds()
    {
        var target = With(Target(StorePhase.Committed, TargetQemu.PostCopyPaused), (TargetSeen seen) => seen with { HasTaken = true, IsOverruled = true });
        Is<MigrationStep.TellFailed>(target);
        Is<MigrationStep.LetGo>(With(target, (TargetSeen seen) => seen with { Word = Listening with { State = HandoverTargetState.Failed } }));
    }

    [Fact]
    public void SilenceDecidesNothing()
    {
        Is<MigrationStep.Rest>(With(Source(StorePhase.Committed, SourceQemu.Unknown), (SourceSeen seen) => seen with { StalledFor = Long }));
        Is<MigrationStep.Rest>(With(Target(StorePhase.Committed, TargetQemu.Unknown), (TargetSeen seen) => seen with { For = Long }));
    }
}
