using CsCheck;
using Lamina.Api;
using Lamina.Server.Migration.Plan;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>
/// Whatever happens in whichever order, a guest never runs twice, and everything comes to rest where the store says. Each of the seeded faults, a rule
/// of the hand-over left out, makes one of these tests fail: they can.
/// </summary>
public class MigrationPlanPropertyTests
{
    private static readonly Gen<Happening[]> GenHappenings = Gen.Frequency(
        (6, Gen.Const(Happening.SourceActs)), (6, Gen.Const(Happening.TargetActs)), (3, Gen.Const(Happening.SourceReads)), (3, Gen.Const(Happening.TargetReads)), (6, Gen.Const(Happening.StreamMoves)),
        (1, Gen.Enum<Happening>())).Array[0, 60];

    [Fact]
    public void AGuestNeverRunsTwiceAndComesToRest() => GenHappenings.Sample(happenings => Check(happenings, MigrationPlan.Next), iter: 20_000);

    [Fact]
    public void AStoppedVmGoesOverOnceAndRunsNowhere() => GenHappenings.Sample(happenings => Check(happenings, MigrationPlan.Next, HandoverKind.Cold), iter: 5_000);

    [Fact]
    public void AStoppedVmGoesOverWithAllOfItsFilesOrNone() => GenHappenings.Sample(happenings => Check(happenings, MigrationPlan.Next, HandoverKind.Cold, files: true), iter: 10_000);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void EachSeededFaultOfTheFilesIsFound(bool commitsEarly)
    {
        Func<MigrationMoment, MigrationStep> plan = commitsEarly
            ? moment => MigrationPlan.Next(moment) is MigrationStep.Fetch ? new MigrationStep.Commit() : MigrationPlan.Next(moment)
            : moment => MigrationPlan.Next(moment) is MigrationStep.Undo ? new MigrationStep.LetGo() : MigrationPlan.Next(moment);
        for (int attempt = 0; attempt < 100_000; attempt++)
        {
            if (WrongAfter(GenHappenings.Single(), plan, HandoverKind.Cold, files: true) is not null) return;
        }

        Assert.Fail("The tests of this class would not see it.");
    }

    [Fact]
    public void AGuestInPostCopyNeverRunsTwiceAndComesToRest() => GenHappenings.Sample(happenings => Check(happenings, MigrationPlan.Next, postCopy: true), iter: 20_000);

    [Fact]
    public void APausedGuestGoesOverOrStaysAndRunsNowhere() => GenHappenings.Sample(happenings => Check(happenings, MigrationPlan.Next, paused: true), iter: 20_000);

    [Fact]
    public void APausedGuestEndsAtTheTarget()
    {
        var world = new HandoverWorld(MigrationPlan.Next, paused: true);
        world.Settle();
        Assert.False(world.IsDoubled);
        Assert.Null(world.WrongAtRest());
        Assert.Contains("/Target/", world.Trace[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void PostCopyEndsAtTheTargetAlsoOverALinkThatBreaks()
    {
        var world = new HandoverWorld(MigrationPlan.Next, postCopy: true);
        world.Happen(Happening.Outruns);
        foreach (var breaks in new[] { Happening.LinkCut, Happening.LinkFallsSilent })
        {
            for (int round = 0; round < 30 && !world.Trace[^1].Contains("source PostCopy False", StringComparison.Ordinal); round++)
                foreach (var happening in Round) world.Happen(happening);
            Assert.Contains("source PostCopy False", world.Trace[^1], StringComparison.Ordinal);
            world.Happen(breaks);
            world.Happen(Happening.SourceReads);
            Assert.Contains("source PostCopyPaused", world.Trace[^1], StringComparison.Ordinal);
        }

        world.Settle();
        Assert.False(world.IsDoubled);
        Assert.Null(world.WrongAtRest());
        Assert.Contains("/Target/", world.Trace[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("crashed", world.Trace[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void TheStraightWayEndsAtTheTarget()
    {
        var world = new HandoverWorld(MigrationPlan.Next);
        world.Settle();
        Assert.Null(world.WrongAtRest());
        Assert.Contains("/Target/", world.Trace[^1], StringComparison.Ordinal);
    }

    public static TheoryData<string> Faults() => [.. SeededFaults.Keys];

    [Theory]
    [MemberData(nameof(Faults))]
    public void EachSeededFaultIsFound(string fault)
    {
        var plan = SeededFaults[fault];
        for (int attempt = 0; attempt < 300_000; attempt++)
        {
            if (WrongAfter(GenHappenings.Single(), plan, HandoverKind.Live, postCopy: false) is not null) return;
        }

        Assert.Fail("The tests of this class would not see it.");
    }

    public static TheoryData<string> PostCopyFaults() => [.. SeededPostCopyFaults.Keys];

    [Theory]
    [MemberData(nameof(PostCopyFaults))]
    public void EachSeededFaultInPostCopyIsFound(string fault)
    {
        var plan = SeededPostCopyFaults[fault];
        for (int attempt = 0; attempt < 300_000; attempt++)
        {
            Happening[] happenings = [Happening.Outruns, .. GenHappenings.Single()];
            if (WrongAfter(happenings, plan, HandoverKind.Live, postCopy: true) is not null) return;
        }

        Assert.Fail("The tests of this class would not see it.");
    }

    public static TheoryData<string> PausedFaults() => [.. SeededPausedFaults.Keys];

    [Theory]
    [MemberData(nameof(PausedFaults))]
    public void EachSeededFaultOfAPausedGuestIsFound(string fault)
    {
        var plan = SeededPausedFaults[fault];
        for (int attempt = 0; attempt < 300_000; attempt++)
        {
            if (WrongAfter(GenHappenings.Single(), plan, HandoverKind.Live, paused: true) is not null) return;
        }

        Assert.Fail("The tests of this class would not see it.");
    }

    private static readonly Dictionary<string, Func<MigrationMoment, MigrationStep>> SeededPausedFaults = new(StringComparer.Ordinal)
    {
        ["the target lets it run"] = moment => MigrationPlan.Next(moment) is MigrationStep.HoldTarget ? new MigrationStep.ContinueTarget() : MigrationPlan.Next(moment),
        ["the target is done without its disks"] = moment => MigrationPlan.Next(moment) is MigrationStep.HoldTarget ? new MigrationStep.Done() : MigrationPlan.Next(moment),
        ["the target takes the disks without its commit"] = moment =>
            moment is { Side: MigrationSide.Target, Phase: StorePhase.Prepared, Target.Qemu: TargetQemu.Loaded, Target.HasDisks: false } ? new MigrationStep.HoldTarget() : MigrationPlan.Next(moment),
        ["the source leaves it in the state of a migration"] = moment => MigrationPlan.Next(moment) is MigrationStep.ContinueSource ? new MigrationStep.Finish() : MigrationPlan.Next(moment),
        ["the source lets it run on"] = moment => MigrationPlan.Next(moment) is MigrationStep.PauseSource ? new MigrationStep.Finish() : MigrationPlan.Next(moment),
        ["the source ends it before the target has it"] = moment =>
            moment is { Side: MigrationSide.Source, Phase: StorePhase.Committed, Source.Qemu: SourceQemu.Completed } ? new MigrationStep.KillSource() : MigrationPlan.Next(moment),
    };

    private static readonly Happening[] Round = [Happening.SourceReads, Happening.SourceActs, Happening.TargetReads, Happening.TargetActs, Happening.StreamMoves];

    private static readonly Dictionary<string, Func<MigrationMoment, MigrationStep>> SeededPostCopyFaults = new(StringComparer.Ordinal)
    {
        ["the target runs what precopy brought without the source's last word"] = moment =>
            moment is { Side: MigrationSide.Target, Phase: StorePhase.Committed, Target: { Qemu: TargetQemu.Loaded, HasTaken: false } } ? new MigrationStep.ContinueTarget() : MigrationPlan.Next(moment),
        ["the target gives back a guest that may have run"] = moment =>
            moment is { Side: MigrationSide.Target, Phase: StorePhase.Committed, Target: { Qemu: TargetQemu.Gone, HasTaken: false, MayHaveRun: true } } ? new MigrationStep.HandBack() : MigrationPlan.Next(moment),
        ["the source leaves a guest running that failed in the switch"] = moment =>
            moment is { Side: MigrationSide.Source, Phase: StorePhase.Committed, Source.Qemu: SourceQemu.Failed } ? new MigrationStep.Finish() : MigrationPlan.Next(moment),
        ["the target starts from disk while the source may still run"] = moment =>
            moment is { Side: MigrationSide.Target, Phase: StorePhase.Committed, Target: { Qemu: TargetQemu.Gone, HasTaken: false } } ? new MigrationStep.ReportCrash(MemoryLost: true) : MigrationPlan.Next(moment),
        ["the target lets go before its memory is whole"] = moment =>
            moment is { Side: MigrationSide.Target, Phase: StorePhase.Committed, Target.HasTaken: true } ? new MigrationStep.LetGo() : MigrationPlan.Next(moment),
        ["the source goes on in post-copy because the target is silent"] = moment =>
            moment is { Side: MigrationSide.Source, Phase: StorePhase.Committed, Source.Qemu: SourceQemu.PostCopyPaused } ? new MigrationStep.ContinueSource() : MigrationPlan.Next(moment),
        ["nobody listens anew on a broken link, and nobody gives up"] = moment =>
            moment is { Phase: StorePhase.Committed } && MigrationPlan.Next(moment) is MigrationStep.Recover or MigrationStep.KillTarget or MigrationStep.KillSource ? new MigrationStep.Rest() : MigrationPlan.Next(moment),
    };

    private static readonly Dictionary<string, Func<MigrationMoment, MigrationStep>> SeededFaults = new(StringComparer.Ordinal)
    {
        ["the target runs what it has loaded without its commit"] = moment =>
            moment is { Side: MigrationSide.Target, Phase: StorePhase.Prepared, Target.Qemu: TargetQemu.Loaded } ? new MigrationStep.ContinueTarget() : MigrationPlan.Next(moment),
        ["the target commits without the source's word"] = moment =>
            moment is { Side: MigrationSide.Target, Phase: StorePhase.Prepared, Target.Qemu: TargetQemu.Loaded } ? new MigrationStep.Commit() : MigrationPlan.Next(moment),
        ["the source goes on because the target is silent"] = moment =>
            moment is { Side: MigrationSide.Source, Phase: StorePhase.Prepared, Source.Qemu: SourceQemu.Completed } && moment.Waited > TimeSpan.Zero ? new MigrationStep.ContinueSource() : MigrationPlan.Next(moment),
        ["the source goes on while its abort is in doubt"] = moment =>
            moment is { Side: MigrationSide.Source, Phase: StorePhase.Unknown, Source.Qemu: SourceQemu.Completed } ? new MigrationStep.ContinueSource() : MigrationPlan.Next(moment),
        ["the target gives back a guest that may have run"] = moment => MigrationPlan.Next(moment) is MigrationStep.ReportCrash ? new MigrationStep.HandBack() : MigrationPlan.Next(moment),
        ["the target gives back while its guest runs"] = moment =>
            moment is { Side: MigrationSide.Target, Phase: StorePhase.Committed, Target.Qemu: TargetQemu.Running } ? new MigrationStep.HandBack() : MigrationPlan.Next(moment),
        ["the source kills before the target runs"] = moment =>
            moment is { Side: MigrationSide.Source, Phase: StorePhase.Committed, Source.Qemu: SourceQemu.Completed } ? new MigrationStep.KillSource() : MigrationPlan.Next(moment),
        ["the source leaves its guest standing after an abort"] = moment => MigrationPlan.Next(moment) is MigrationStep.ContinueSource ? new MigrationStep.Finish() : MigrationPlan.Next(moment),
        ["the target keeps its process after an abort"] = moment => MigrationPlan.Next(moment) is MigrationStep.Undo ? new MigrationStep.LetGo() : MigrationPlan.Next(moment),
        ["the source goes on after the target's commit"] = moment =>
            moment is { Side: MigrationSide.Source, Phase: StorePhase.Committed } ? new MigrationStep.ContinueSource() : MigrationPlan.Next(moment),
    };

    private static void Check(IReadOnlyList<Happening> happenings, Func<MigrationMoment, MigrationStep> plan, HandoverKind kind = HandoverKind.Live, bool files = false, bool postCopy = false, bool paused = false)
    {
        if (WrongAfter(happenings, plan, kind, files, postCopy, paused) is { } wrong) Assert.Fail(wrong);
    }

    private static string? WrongAfter(IReadOnlyList<Happening> happenings, Func<MigrationMoment, MigrationStep> plan, HandoverKind kind, bool files = false, bool postCopy = false, bool paused = false)
    {
        var world = new HandoverWorld(plan, kind, files, postCopy, paused);
        foreach (var happening in happenings) world.Happen(happening);
        world.Settle();
        string? wrong = world.IsDoubled ? "it ran twice" : world.WrongAtRest();
        return wrong is null ? null : $"{wrong}\n{string.Join('\n', world.Trace.TakeLast(80))}";
    }
}
