using Lamina.Api;
using Lamina.Server;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Rules;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

public class VmMovesTests
{
    /// <summary>Every verb in every state: what is refused, by its code; empty is legal. The table is the documentation.</summary>
    private static readonly Dictionary<VmVerb, Dictionary<VmState, string>> Refused = new()
    {
        [VmVerb.Start] = new() { [VmState.Paused] = "vm.paused", [VmState.Stopping] = "vm.stopping", [VmState.Unresponsive] = "vm.unresponsive" },
        [VmVerb.Shutdown] = new() { [VmState.Starting] = "vm.starting", [VmState.Paused] = "vm.paused", [VmState.Unresponsive] = "vm.unresponsive" },
        [VmVerb.Stop] = new()
        {
            [VmState.Starting] = "vm.running",
            [VmState.Running] = "vm.running",
            [VmState.Paused] = "vm.running",
            [VmState.Stopping] = "vm.running",
            [VmState.Unresponsive] = "vm.unresponsive",
        },
        [VmVerb.ForcedStop] = [],
        [VmVerb.Pause] = new() { [VmState.Stopped] = "vm.notRunning", [VmState.Starting] = "vm.notRunning", [VmState.Stopping] = "vm.notRunning", [VmState.Unresponsive] = "vm.unresponsive" },
        [VmVerb.Resume] = new() { [VmState.Stopped] = "vm.notPaused", [VmState.Starting] = "vm.notPaused", [VmState.Stopping] = "vm.notPaused", [VmState.Unresponsive] = "vm.unresponsive" },
        [VmVerb.Reset] = new() { [VmState.Stopped] = "vm.notRunning", [VmState.Starting] = "vm.notRunning", [VmState.Stopping] = "vm.notRunning", [VmState.Unresponsive] = "vm.unresponsive" },
        [VmVerb.Exec] = new()
        {
            [VmState.Stopped] = "vm.notRunning",
            [VmState.Starting] = "vm.notRunning",
            [VmState.Stopping] = "vm.notRunning",
            [VmState.Paused] = "vm.paused",
            [VmState.Unresponsive] = "vm.unresponsive",
        },
        [VmVerb.Change] = new() { [VmState.Unresponsive] = "vm.unresponsive" },
        [VmVerb.Delete] = new()
        {
            [VmState.Starting] = "vm.running",
            [VmState.Running] = "vm.running",
            [VmState.Paused] = "vm.running",
            [VmState.Stopping] = "vm.running",
            [VmState.Unresponsive] = "vm.unresponsive",
        },
        [VmVerb.ForcedDelete] = [],
    };

    public static TheoryData<VmState> States => [VmState.Stopped, VmState.Starting, VmState.Running, VmState.Paused, VmState.Stopping, VmState.Unresponsive];

    [Theory]
    [MemberData(nameof(States))]
    public void EachMoveIsLegalOrRefusedWithItsReason(VmState state)
    {
        var status = TestVms.Status(state) with { PauseCause = state == VmState.Paused ? PauseCause.Request : null };
        foreach (var verb in Enum.GetValues<VmVerb>())
        {
            string? code = null;
            try
            {
                VmMoves.Require(verb, TestVms.Spec(), status);
            }
            catch (ProblemException refusal)
            {
                code = refusal.Code;
                Assert.Contains("web1", refusal.Message, StringComparison.Ordinal);
                Assert.False(string.IsNullOrEmpty(refusal.Remedy));
            }

            Assert.Equal((verb, Refused[verb].GetValueOrDefault(state)), (verb, code));
        }
    }

    [Fact]
    public void AVmThatWasNeverSeenIsStopped() =>
        Assert.Equal("vm.notRunning", Assert.Throws<ProblemException>(() => VmMoves.Require(VmVerb.Pause, TestVms.Spec(), null)).Code);

    [Fact]
    public void NothingIsAskedOfAVmThatIsBeingDeleted()
    {
        var spec = TestVms.Spec() with { Deleting = "op-9" };
        foreach (var verb in Enum.GetValues<VmVerb>())
            Assert.Equal("vm.deleting", Assert.Throws<ProblemException>(() => VmMoves.Require(verb, spec, TestVms.Status(VmState.Running))).Code);
    }

    [Fact]
    public void AGuestThatWaitsForRoomCanStillBeAskedToShutDown() =>
        VmMoves.Require(VmVerb.Shutdown, TestVms.Spec(), TestVms.Status(VmState.Paused) with { PauseCause = PauseCause.PoolFull });
}
