using CsCheck;
using Lamina.Server.Vms.Recovery;

namespace Lamina.Tests.Unit.Vms;

/// <summary>Whatever was lost, and in whatever order hosts come back: no VM runs twice, and what runs is not ended.</summary>
public sealed class RecoveryPlanPropertyTests
{
    private const int Histories = 20_000;

    [Fact]
    public void Never_two_instances_run_and_none_that_runs_is_ended() => Gen.Int.Sample(seed => RecoveryWorld.Play(seed, RecoveryPlan.Rule), iter: Histories);

    /// <summary>Each is a way in which it could be wrong, and is found.</summary>
    [Theory]
    [InlineData("nobody is waited for")]
    [InlineData("the epoch is that on record and one")]
    [InlineData("what runs is not taken along")]
    [InlineData("what is on record wins")]
    public void A_fault_in_the_rules_is_found(string fault) => Assert.ThrowsAny<Exception>(() => Gen.Int.Sample(seed => RecoveryWorld.Play(seed, vm => Wrong(fault, vm)), iter: Histories));

    private static RecoveryRuling? Wrong(string fault, RecoveryVm vm) => fault switch
    {
        "nobody is waited for" => RecoveryPlan.Rule(vm with { Unknown = [] }),
        "the epoch is that on record and one" => RecoveryPlan.Rule(vm) is RecoveryRuling.Give give ? give with { Epoch = (vm.Assignment?.Epoch ?? 0) + 1 } : null,
        "what runs is not taken along" => RecoveryPlan.Rule(vm) is RecoveryRuling.Give give ? give with { Since = null } : null,
        _ => RecoveryPlan.Rule(vm) is RecoveryRuling.Give give && vm.Assignment is { } owner ? give with { Host = owner.Host } : null,
    };
}
