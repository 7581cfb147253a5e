using Lamina.Api;
using Lamina.Server.Cluster;
using Lamina.Server.Control;
using Lamina.Tests.Unit.Vms;

namespace Lamina.Tests.Unit.Cluster;

public sealed class AddressRulesTests
{
    private static readonly Dictionary<string, string> Reached = [];

    [Fact]
    public void AFreeAddressThatAllReachIsFine() => Assert.Empty(Check(Cluster(voters: 3), "10.0.0.9"));

    [Fact]
    public void AllThatStandsAgainstItIsTold()
    {
        var unreached = new Dictionary<string, string> { ["h3"] = "no answer within 5 s." };
        var refusals = AddressRules.Check(Cluster(voters: 3, silent: "h3").Build(), "h1", "10.0.0.1", "10.0.0.2", "10.0.0.2:7444", unreached);
        Assert.Equal(["cluster.sameAddress", "cluster.unreachable", "cluster.quorum"], refusals.Select(refusal => refusal.Code));
        Assert.Contains("'three' does not reach this host at 10.0.0.2:7444: no answer within 5 s.", refusals.Select(refusal => refusal.Message));
    }

    [Fact]
    public void TheAddressThatItHasIsNoChange() => Assert.Equal(["cluster.sameAddress"], Check(Cluster(voters: 3), "10.0.0.1"));

    [Fact]
    public void WhereItAloneVotesAllMustBeThereToLearnOfIt()
    {
        Assert.Empty(Check(Cluster(voters: 1), "10.0.0.9"));
        Assert.Equal(["cluster.othersSilent"], Check(Cluster(voters: 1, silent: "h2"), "10.0.0.9"));
    }

    [Fact]
    public void WhoDoesNotVoteNeedsNobody() => Assert.Empty(AddressRules.Check(Cluster(voters: 1, silent: "h2").Build(), "h3", "10.0.0.3", "10.0.0.9", "10.0.0.9:7444", Reached));

    [Fact]
    public void WhileItIsTriedTheHostListensAtBothAndThenAtItsOwn()
    {
        var member = new Membership { ClusterId = "c", ClusterName = "dc1", Address = "10.0.0.9", Endpoints = [], AddressTry = new AddressTry { Former = "10.0.0.1", Wanted = "10.0.0.9" } };
        Assert.Equal(["10.0.0.9", "10.0.0.1"], member.ListeningAt(["10.0.0.1", "10.0.0.9"]));
        Assert.Equal(["10.0.0.9"], member.ListeningAt(["10.0.0.9"]));
        Assert.Equal(["10.0.0.9"], (member with { AddressTry = member.AddressTry! with { Problem = "x" } }).ListeningAt(["10.0.0.1", "10.0.0.9"]));
    }

    private static IEnumerable<string> Check(TestSnapshots cluster, string wanted) =>
        AddressRules.Check(cluster.Build(), "h1", "10.0.0.1", wanted, $"{wanted}:7444", Reached).Select(refusal => refusal.Code);

    private static TestSnapshots Cluster(int voters, string? silent = null)
    {
        var cluster = new TestSnapshots();
        foreach (var (number, name) in new[] { (1, "one"), (2, "two"), (3, "three") })
        {
            string id = $"h{number}", address = $"10.0.0.{number}";
            cluster.Add(Keys.Hosts.Spec, id, new HostSpec { Name = name, Addresses = new HostAddresses { Api = $"{address}:7443", Peer = $"{address}:7444", Migration = address } });
            cluster.Add(Keys.Hosts.Status, id, new HostStatus { Incarnation = "i", BootId = "b", DaemonVersion = "1" });
            if (id != silent) cluster.Add(Keys.Hosts.Live, id, new HostLive { Incarnation = "i", Since = DateTimeOffset.UnixEpoch });
            if (number <= voters) cluster.Add(Keys.Hosts.Voter, id, new VoterRecord { Member = $"m{number}" });
        }

        return cluster;
    }
}
