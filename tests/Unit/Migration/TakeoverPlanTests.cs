using Lamina.Api;
using Lamina.Server.Migration.Plan;
using Lamina.Server.Vms.Plan;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>The rows of the recovery table in which a host is unreachable: nothing without evidence, and what follows with it.</summary>
public class TakeoverPlanTests
{
    private const string Dead = "dead";
    private const string Other = "other";

    private static readonly HandoverSource Word = new() { Nonce = "n", Definition = [1] };
    private static readonly HandoverSource Completed = Word with { Completed = true };
    private static readonly HandoverTarget Listening = new() { Nonce = "n", State = HandoverTargetState.Listening };
    private static readonly HandoverTarget Failed = new() { Nonce = "n", State = HandoverTargetState.Failed };

    /// <summary>A VM of the dead host at epoch 5, and no hand-over.</summary>
    private static readonly TakeoverSeen Resting = new() { Dead = Dead, IsProved = true, Assignment = At(Dead, 5) };

    private static VmAssignment At(string host, long epoch) => new() { Host = host, Epoch = epoch };

    private static VmHandover Handover(HandoverPhase phase, string from, string to) => new() { Nonce = "n", Operation = "o", From = from, To = to, Epoch = 5, Phase = phase };

    private static void Refused(TakeoverRefusal why, TakeoverSeen seen) => Assert.Equal(new TakeoverStep.Refuse(why), TakeoverPlan.Next(seen));

    private static void Taken(long epoch, TakeoverSeen seen, string? only = null) => Assert.Equal(new TakeoverStep.Take(epoch, only), TakeoverPlan.Next(seen));

    [Theory]
    [InlineData(null)]
    [InlineData(HandoverPhase.Prepared)]
    [InlineData(HandoverPhase.Committed)]
    [InlineData(HandoverPhase.Aborted)]
    [InlineData(HandoverPhase.HandedBack)]
    public void NothingIsTakenFromAHostThatLivesOrIsOnlySilent(HandoverPhase? phase)
    {
        foreach (var (from, to) in new[] { (Dead, Other), (Other, Dead) })
        {
            foreach (string owner in new[] { Dead, Other })
            {
                var seen = Resting with { Assignment = At(owner, 6), Handover = phase is { } at ? Handover(at, from, to) : null, Source = Completed, Target = Listening };
                Refused(TakeoverRefusal.Live, seen with { DeadIsLive = true });
                Refused(TakeoverRefusal.NotProved, seen with { IsProved = false });
            }
        }
    }

    [Fact]
    public void AVmOfTheDeadHostGetsTheNextEpoch() => Taken(6, Resting);

    [Fact]
    public void AVmOfAnotherHostIsNotTaken() => Refused(TakeoverRefusal.NotThere, Resting with { Assignment = At(Other, 5) });

    /// <summary>Prepared, source unreachable: with evidence it is as gone; the target's process bears the next epoch, so the takeover's is above it.</summary>
    [Fact]
    public void PreparedAndTheSourceDeadWithoutItsWordStartsFromDisk()
    {
        var seen = Resting with { Handover = Handover(HandoverPhase.Prepared, Dead, Other), Target = Listening, TargetIsLive = true };
        Taken(7, seen);
        Taken(7, seen with { Source = Word });
    }

    /// <summary>Prepared, source gone, the target has its word: COMMIT, which loses nothing.</summary>
    [Fact]
    public void PreparedAndTheSourceDeadWithItsWordIsLeftToALiveTarget()
    {
        var seen = Resting with { Handover = Handover(HandoverPhase.Prepared, Dead, Other), Source = Completed, Target = Listening, TargetIsLive = true };
        Refused(TakeoverRefusal.Arriving, seen);
        Taken(7, seen with { TargetIsLive = false });
        Taken(7, seen with { Target = Failed });
    }

    /// <summary>The source has it and lives: it gives the hand-over up by itself.</summary>
    [Fact]
    public void PreparedAndTheTargetDeadIsTheSourcesBusiness() =>
        Refused(TakeoverRefusal.NotThere, Resting with { Assignment = At(Other, 5), Handover = Handover(HandoverPhase.Prepared, Other, Dead) });

    /// <summary>Committed, postmigrate at the source, target unreachable: the source stays stopped; with evidence e+2 from disk.</summary>
    [Fact]
    public void CommittedAndTheTargetDeadStartsFromDiskTwoEpochsOn() =>
        Taken(7, Resting with { Assignment = At(Dead, 6), Handover = Handover(HandoverPhase.Committed, Other, Dead), Source = Completed });

    [Fact]
    public void CommittedAndTheSourceDeadGoesOnAtTheTargetAndIsClosedWhenItIsWhole()
    {
        var seen = Resting with { Assignment = At(Other, 6), Handover = Handover(HandoverPhase.Committed, Dead, Other), Source = Completed, TargetIsLive = true };
        Refused(TakeoverRefusal.Arriving, seen);
        Assert.Equal(new TakeoverStep.Settle(), TakeoverPlan.Next(seen with { HasTaken = true }));
    }

    /// <summary>Post-copy, and the source is gone with the rest of the memory: from disk, where the process that waits for it ends first.</summary>
    [Fact]
    public void CommittedInPostCopyAndTheSourceDeadStartsFromDiskAtTheTarget() =>
        Taken(7, Resting with { Assignment = At(Other, 6), Handover = Handover(HandoverPhase.Committed, Dead, Other) with { PostCopy = true }, TargetIsLive = true }, Other);

    [Theory]
    [InlineData(HandoverPhase.Aborted, 5, 7)]
    [InlineData(HandoverPhase.HandedBack, 7, 8)]
    public void GivenUpAndTheSourceDeadStartsFromDisk(HandoverPhase phase, long epoch, long next) =>
        Taken(next, Resting with { Assignment = At(Dead, epoch), Handover = Handover(phase, Dead, Other) });

    /// <summary>Epoch above both: each host ends its own process, and only for that.</summary>
    [Fact]
    public void OnlyAHigherEpochOfAnotherHostEndsAProcess()
    {
        Assert.True(VmOutlived.IsOver(At(Other, 6), Dead, 5));
        Assert.False(VmOutlived.IsOver(At(Other, 5), Dead, 5));
        Assert.False(VmOutlived.IsOver(At(Other, 4), Dead, 5));
        Assert.False(VmOutlived.IsOver(At(Dead, 6), Dead, 5));
        Assert.False(VmOutlived.IsOver(null, Dead, 5));
    }
}
