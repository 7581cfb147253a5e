using Lamina.Api;
using Lamina.Server.Vms.Recovery;

namespace Lamina.Tests.Unit.Vms;

/// <summary>Each row of the table: who owns a VM after a recovery of the store.</summary>
public sealed class RecoveryPlanTests
{
    private static readonly VmAssignment Recorded = new() { Host = "a", Epoch = 3 };
    private static readonly RecoveryVm Old = new() { Assignment = Recorded };
    private static readonly RecoveryVm Ruled = new() { Assignment = Recorded with { Epoch = 7 }, IsRuled = true };

    [Fact]
    public void What_runs_wins_at_an_epoch_above_each_that_is_known_also_while_other_hosts_are_silent()
    {
        Assert.Equal(new RecoveryRuling.Give("b", 6, 5), RecoveryPlan.Rule(Old with { Guests = [new("b", 5, true)], Unknown = ["c"] }));
        Assert.Equal(new RecoveryRuling.Give("b", 4, 2), RecoveryPlan.Rule(Old with { Guests = [new("b", 2, true)] }));
        Assert.Equal(new RecoveryRuling.Give("a", 4, 3), RecoveryPlan.Rule(Old with { Guests = [new("a", 3, true)] }));
        Assert.Equal(new RecoveryRuling.Give("b", 2, 1), RecoveryPlan.Rule(new RecoveryVm { Guests = [new("b", 1, true)] }));
    }

    [Fact]
    public void Of_two_that_run_the_higher_epoch_wins_and_what_has_left_or_not_come_never_does()
    {
        Assert.Equal(new RecoveryRuling.Give("b", 6, 5), RecoveryPlan.Rule(Old with { Guests = [new("a", 3, true), new("b", 5, true)] }));
        Assert.Equal(new RecoveryRuling.Give("a", 5, 3), RecoveryPlan.Rule(Old with { Guests = [new("a", 3, true), new("b", 4, false)] }));
        Assert.Equal(new RecoveryRuling.Give("a", 5, null), RecoveryPlan.Rule(Old with { Guests = [new("a", 3, false), new("b", 4, false)] }));
    }

    [Fact]
    public void Two_of_one_epoch_are_a_persons_to_decide() =>
        Assert.Equal(["a", "b"], Assert.IsType<RecoveryRuling.Ask>(RecoveryPlan.Rule(Old with { Guests = [new("a", 5, true), new("b", 5, true), new("c", 4, true)] })).Hosts);

    [Fact]
    public void What_nobody_runs_waits_for_the_silent_and_then_stays_stopped_where_it_was()
    {
        Assert.Equal(["c"], Assert.IsType<RecoveryRuling.Wait>(RecoveryPlan.Rule(Old with { Unknown = ["c"] })).Hosts);
        Assert.IsType<RecoveryRuling.Wait>(RecoveryPlan.Rule(Old with { Guests = [new("a", 3, false)], Unknown = ["c"] }));
        Assert.Equal(new RecoveryRuling.Give("a", 4, null), RecoveryPlan.Rule(Old));
        Assert.Null(RecoveryPlan.Rule(new RecoveryVm()));
        Assert.Equal(new RecoveryRuling.Give("b", 3, null), RecoveryPlan.Rule(new RecoveryVm { Guests = [new("b", 2, false)] }));
    }

    [Fact]
    public void Whoever_comes_late_has_no_claim_on_what_runs_by_a_later_ruling_but_on_what_does_not()
    {
        Assert.Null(RecoveryPlan.Rule(Ruled with { Unknown = ["c"] }));
        Assert.Equal(new RecoveryRuling.Give("a", 10, 7), RecoveryPlan.Rule(Ruled with { IsLive = true, Guests = [new("c", 9, true)] }));
        Assert.Equal(new RecoveryRuling.Give("a", 10, 5), RecoveryPlan.Rule(Ruled with { IsLive = true, Assignment = Ruled.Assignment! with { Since = 5 }, Guests = [new("c", 9, true)] }));
        Assert.Equal(new RecoveryRuling.Give("c", 8, 4), RecoveryPlan.Rule(Ruled with { Guests = [new("c", 4, true)], Unknown = ["d"] }));
        Assert.Equal(new RecoveryRuling.Give("a", 8, null), RecoveryPlan.Rule(Ruled with { Guests = [new("c", 4, false)], Unknown = ["d"] }));
    }
}
