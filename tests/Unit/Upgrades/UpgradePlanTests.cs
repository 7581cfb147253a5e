using CsCheck;
using Lamina.Api;
using Lamina.Server.Upgrades;

namespace Lamina.Tests.Unit.Upgrades;

public sealed class UpgradePlanTests
{
    private const string Old = "0.1.0";
    private const string New = "0.2.0";

    private static readonly UpgradeHost Witness = Host("w", UpgradeRank.Witness);
    private static readonly UpgradeHost Voter = Host("v", UpgradeRank.Voter);
    private static readonly UpgradeHost Leader = Host("l", UpgradeRank.Leader);

    [Fact]
    public void AllHostsMakeItReadyBeforeAnyIsReplaced()
    {
        var ask = Assert.IsType<UpgradeMove.Ask>(Next([Leader, Voter, Witness]));
        Assert.Equal(UpgradeAct.Prepare, ask.Act);
        Assert.Equal(["w", "v", "l"], ask.Hosts.Select(host => host.Name));
        var wait = Assert.IsType<UpgradeMove.Wait>(Next([Ready(Leader), Ready(Voter), Witness with { Prepared = UpgradePart.Open }]));
        Assert.Contains("'w'", wait.Words, StringComparison.Ordinal);
        Assert.Null(wait.Patience);
        Assert.NotNull(Assert.IsType<UpgradeMove.Wait>(Next([Ready(Leader), Ready(Voter), Witness with { Prepared = UpgradePart.Open, IsLive = false }])).Patience);
    }

    [Fact]
    public void WitnessesComeFirstAndTheLeaderLast()
    {
        Assert.Equal(["w", "v", "l"], Order([Ready(Leader), Ready(Voter), Ready(Witness)]));
        Assert.Equal(["c", "a", "b"], Order([Ready(Voter) with { Name = "b" }, Ready(Voter) with { Name = "a" }, Ready(Host("c", UpgradeRank.Client))]));
    }

    [Fact]
    public void TheNextOneIsNotAskedWhileAHostIsSilentOrOneIsReplaced()
    {
        Assert.IsType<UpgradeMove.Wait>(Next([Ready(Leader) with { IsLive = false }, Ready(Voter)]));
        Assert.IsType<UpgradeMove.Wait>(Next([Ready(Leader), Ready(Voter) with { Switched = UpgradePart.Open }]));
        Assert.IsType<UpgradeMove.Wait>(Next([Ready(Leader), Ready(Voter) with { Switched = UpgradePart.Done }]));
        Assert.IsType<UpgradeMove.Wait>(Next([Ready(Leader), Ready(Voter) with { IsMigrating = true }]));
    }

    [Fact]
    public void AFailedHostHaltsItAndSaysHowFarItCame()
    {
        var failed = Ready(Voter) with { Switched = UpgradePart.Failed, Failure = new Failure { Code = "upgrade.notProved", Message = "It broke." } };
        var end = Assert.IsType<UpgradeMove.End>(Next([Ready(Leader), failed, Done(Witness)]));
        Assert.Equal("upgrade.notProved", end.Failure!.Code);
        Assert.Equal("The upgrade halts at host 'v', 1 of 3 hosts have version 0.2.0: It broke.", end.Failure.Message);
    }

    [Fact]
    public void ACancelledOneEndsWhatItBeganAndNothingElse()
    {
        Assert.IsType<UpgradeMove.Cancelled>(Next([Ready(Leader), Done(Voter)], isCancelled: true));
        Assert.IsType<UpgradeMove.Wait>(Next([Ready(Leader), Ready(Voter) with { Switched = UpgradePart.Open }], isCancelled: true));
        var given = Voter with { Prepared = UpgradePart.Failed, Failure = new Failure { Code = "operation.cancelled", Message = "It was cancelled." } };
        Assert.IsType<UpgradeMove.Cancelled>(Next([Leader, given], isCancelled: true));
        Assert.Equal(UpgradeAct.Fill, Assert.IsType<UpgradeMove.Ask>(Next([Ready(Leader), Ready(Voter) with { Emptied = UpgradePart.Done }], isCancelled: true)).Act);
    }

    [Fact]
    public void WhereThatIsAskedForAHostIsEmptiedBeforeAndFilledAfter()
    {
        Assert.Equal(UpgradeAct.Empty, Assert.IsType<UpgradeMove.Ask>(Next([Ready(Voter)], evacuate: true)).Act);
        Assert.Equal(UpgradeAct.Switch, Assert.IsType<UpgradeMove.Ask>(Next([Ready(Voter) with { Emptied = UpgradePart.Done }], evacuate: true)).Act);
        Assert.Equal(UpgradeAct.Fill, Assert.IsType<UpgradeMove.Ask>(Next([Done(Voter) with { Emptied = UpgradePart.Done }, Ready(Leader)], evacuate: true)).Act);
        Assert.Equal(UpgradeAct.Switch, Assert.IsType<UpgradeMove.Ask>(Next([Ready(Witness) with { IsWitness = true }], evacuate: true)).Act);
    }

    [Fact]
    public void OneHostAloneIsUpgradedToo() => Assert.Equal(["l"], Order([Ready(Leader)]));

    /// <summary>Whatever order of leaders and deaths: never two daemons at a time, and it comes to its end.</summary>
    [Fact]
    public void NeverMoreThanOneIsReplacedAtATime() => Gen.Select(Gen.Int[1, 6], Gen.Int[0, 5], Gen.Bool).Sample((count, leader, evacuate) =>
    {
        var hosts = Enumerable.Range(0, count).Select(index => Host($"h{index}", index == leader ? UpgradeRank.Leader : (UpgradeRank)(index % 3))).ToList();
        for (int moves = 0; moves < 100; moves++)
        {
            var move = UpgradePlan.Next(hosts, New, evacuate, false);
            if (move is UpgradeMove.End { Failure: null }) return hosts.All(host => host.Version == New && host.Filled == host.Emptied);
            if (move is not UpgradeMove.Ask ask || (ask.Act != UpgradeAct.Prepare && ask.Hosts.Count != 1)) return false;
            foreach (var host in ask.Hosts) hosts[hosts.IndexOf(host)] = After(host, ask.Act);
        }

        return false;
    });

    /// <summary>At whatever moment: from then on no further host is made ready, emptied or replaced, what is under way ends, who was emptied is filled, and it comes to rest.</summary>
    [Fact]
    public void ACancelAtAnyMomentComesToRest() => Gen.Select(Gen.Int[1, 6], Gen.Int[0, 40], Gen.Bool).Sample((count, moment, evacuate) =>
    {
        var hosts = Enumerable.Range(0, count).Select(index => Host($"h{index}", index == 0 ? UpgradeRank.Leader : (UpgradeRank)(index % 3))).ToList();
        for (int moves = 0; moves < 200; moves++)
        {
            bool isCancelled = moves >= moment;
            switch (UpgradePlan.Next(hosts, New, evacuate, isCancelled))
            {
                case UpgradeMove.Ask ask when isCancelled && ask.Act != UpgradeAct.Fill:
                    return false;
                case UpgradeMove.Ask ask:
                    foreach (var host in ask.Hosts) hosts[hosts.IndexOf(host)] = Asked(host, ask.Act);
                    break;
                case UpgradeMove.Wait:
                    int open = hosts.FindIndex(host => host.Prepared == UpgradePart.Open || host.Emptied == UpgradePart.Open || host.Switched == UpgradePart.Open || host.Filled == UpgradePart.Open);
                    if (open < 0) return false;
                    hosts[open] = Ended(hosts[open]);
                    break;
                case UpgradeMove.Cancelled:
                    return isCancelled && hosts.All(host => IsAtRest(host) && host.Filled == host.Emptied);
                case UpgradeMove.End { Failure: null }:
                    return !isCancelled && hosts.All(host => host.Version == New);
                default:
                    return false;
            }
        }

        return false;
    });

    private static UpgradeHost Asked(UpgradeHost host, UpgradeAct act) => act switch
    {
        UpgradeAct.Prepare => host with { Prepared = UpgradePart.Open },
        UpgradeAct.Empty => host with { Emptied = UpgradePart.Open },
        UpgradeAct.Switch => host with { Switched = UpgradePart.Open },
        _ => host with { Filled = UpgradePart.Open },
    };

    private static UpgradeHost Ended(UpgradeHost host) => host switch
    {
        { Prepared: UpgradePart.Open } => After(host, UpgradeAct.Prepare),
        { Emptied: UpgradePart.Open } => After(host, UpgradeAct.Empty),
        { Switched: UpgradePart.Open } => After(host, UpgradeAct.Switch),
        _ => After(host, UpgradeAct.Fill),
    };

    private static bool IsAtRest(UpgradeHost host) => host is { Prepared: not UpgradePart.Open, Emptied: not UpgradePart.Open, Switched: not UpgradePart.Open, Filled: not UpgradePart.Open };

    private static UpgradeHost After(UpgradeHost host, UpgradeAct act) => act switch
    {
        UpgradeAct.Prepare => host with { Prepared = UpgradePart.Done },
        UpgradeAct.Empty => host with { Emptied = UpgradePart.Done },
        UpgradeAct.Switch => host with { Switched = UpgradePart.Done, Version = New },
        _ => host with { Filled = UpgradePart.Done },
    };

    private static List<string> Order(List<UpgradeHost> hosts)
    {
        var order = new List<string>();
        while (UpgradePlan.Next(hosts, New, false, false) is UpgradeMove.Ask { Act: UpgradeAct.Switch } ask)
        {
            var host = Assert.Single(ask.Hosts);
            order.Add(host.Name);
            hosts[hosts.IndexOf(host)] = Done(host);
        }

        return order;
    }

    private static UpgradeMove Next(IReadOnlyList<UpgradeHost> hosts, bool evacuate = false, bool isCancelled = false) => UpgradePlan.Next(hosts, New, evacuate, isCancelled);

    private static UpgradeHost Host(string name, UpgradeRank rank) => new() { Id = name, Name = name, Rank = rank, Version = Old, IsLive = true };

    private static UpgradeHost Ready(UpgradeHost host) => host with { Prepared = UpgradePart.Done };

    private static UpgradeHost Done(UpgradeHost host) => Ready(host) with { Switched = UpgradePart.Done, Version = New };
}
