using Lamina.Server.Cluster;

namespace Lamina.Tests.Unit.Cluster;

public sealed class VoterPlanTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 1)]
    [InlineData(3, 3)]
    [InlineData(4, 3)]
    [InlineData(5, 5)]
    [InlineData(40, 5)]
    public void ThereIsAnOddNumberOfVoters(int hosts, int voters) => Assert.Equal(voters, VoterPlan.Wanted(hosts));

    [Fact]
    public void TheLastVoterIsNeverTakenOut() => Assert.Null(VoterPlan.Next([Host(2), Host(3, live: false)], [Member(1)]));

    [Fact]
    public void TwoHostsHaveOneVoter() => Assert.Null(VoterPlan.Next([Host(1), Host(2)], [Member(1)]));

    [Fact]
    public void AnEvenNumberIsNotBegunWithoutTheNextOne() => Assert.Null(VoterPlan.Next([Host(1), Host(2), Host(3, live: false)], [Member(1)]));

    [Fact]
    public void ASilentVoterIsNotReplaced() => Assert.Null(VoterPlan.Next([Host(1), Host(2), Host(3, live: false), Host(4)], [Member(1), Member(2), Member(3)]));

    [Fact]
    public void ThreeLiveHostsBecomeThreeVotersOneAfterTheOther()
    {
        VoterCandidate[] hosts = [Host(1), Host(2), Host(3)];
        Assert.Equal("2", Assert.IsType<VoterStep.Add>(VoterPlan.Next(hosts, [Member(1)])).Host.Id);
        Assert.Equal("m2", Assert.IsType<VoterStep.Promote>(VoterPlan.Next(hosts, [Member(1), Member(2, learner: true)])).Member.Id);
        Assert.Equal("3", Assert.IsType<VoterStep.Add>(VoterPlan.Next(hosts, [Member(1), Member(2)])).Host.Id);
        Assert.Null(VoterPlan.Next(hosts, [Member(1), Member(2), Member(3)]));
    }

    [Fact]
    public void ALearnerWhoseHostIsSilentIsWaitedFor() => Assert.Null(VoterPlan.Next([Host(1), Host(2, live: false), Host(3)], [Member(1), Member(2, learner: true)]));

    [Fact]
    public void AWitnessVotesBeforeAHostThatIsOlder() =>
        Assert.Equal("3", Assert.IsType<VoterStep.Add>(VoterPlan.Next([Host(1), Host(2), Host(3) with { IsWitness = true }], [Member(1)])).Host.Id);

    [Fact]
    public void ARemovedHostsMemberGoes() =>
        Assert.Equal("m3", Assert.IsType<VoterStep.Remove>(VoterPlan.Next([Host(1), Host(2)], [Member(1), Member(2), Member(3)])).Member.Id);

    [Fact]
    public void AMemberThatHasLostItsDataGoesAndComesAgainAsAnother()
    {
        var lost = Host(3) with { LostMember = "m3" };
        Assert.Equal("m3", Assert.IsType<VoterStep.Remove>(VoterPlan.Next([Host(1), Host(2), lost], [Member(1), Member(2), Member(3)])).Member.Id);
        Assert.Equal("3", Assert.IsType<VoterStep.Add>(VoterPlan.Next([Host(1), Host(2), lost], [Member(1), Member(2)])).Host.Id);
    }

    [Fact]
    public void FewerHostsNeedFewerVotesAndTheSilentOneGoesFirst() =>
        Assert.Equal("m1", Assert.IsType<VoterStep.Remove>(VoterPlan.Next([Host(1, live: false), Host(2)], [Member(1), Member(2)])).Member.Id);

    [Fact]
    public void AVoterWhoseHostIsElsewhereIsMovedThere()
    {
        var moved = Host(2) with { PeerUrl = "https://10.0.0.9:7446" };
        var step = Assert.IsType<VoterStep.Move>(VoterPlan.Next([Host(1), moved, Host(3)], [Member(1), Member(2), Member(3)]));
        Assert.Equal(("m2", "https://10.0.0.9:7446"), (step.Member.Id, step.Host.PeerUrl));
    }

    /// <summary>A member that has not started bears no name; one whose host has changed its address keeps its own.</summary>
    [Fact]
    public void AMemberIsKnownByItsNameAndElseByItsAddress()
    {
        Assert.True(VoterPlan.IsOf(Member(1) with { PeerUrl = "https://former" }, Host(1)));
        Assert.True(VoterPlan.IsOf(Member(1) with { Name = "" }, Host(1)));
        Assert.False(VoterPlan.IsOf(Member(2) with { PeerUrl = Host(1).PeerUrl }, Host(1)));
    }

    private static VoterCandidate Host(int number, bool live = true) => new($"{number}", $"https://10.0.0.{number}:7446", live, false, null, number);

    private static EtcdMember Member(int number, bool learner = false) => new($"m{number}", $"{number}", $"https://10.0.0.{number}:7446", learner);
}
