using Lamina.Api;
using Lamina.Engine.Qmp;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Run;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

public class VmPlanTests
{
    private static readonly PowerOrder Run = new("op-run", PowerWanted.Running);
    private static readonly PowerOrder Stop = new("op-stop", PowerWanted.Stopped);
    private static readonly PowerOrder Force = new("op-force", PowerWanted.Stopped) { Force = true };
    private static readonly PowerOrder Pause = new("op-pause", PowerWanted.Paused);

    private static PlanWorld Stopped(PowerOrder? order = null) => new() { Status = TestVms.Status(VmState.Stopped), DisksMade = true, Order = order, HighestRun = 1 };

    private static PlanWorld Running(PowerOrder? order = null) => new()
    {
        Status = TestVms.Status(VmState.Running) with { StartedAt = TestVms.Epoch },
        Process = new VmProcess(1, 1, RunState.Running),
        DisksMade = true,
        Order = order,
        HighestRun = 1,
    };

    [Fact]
    public void PausingAStoppedVmFails()
    {
        var world = Stopped(Pause);
        world.Settle();
        Assert.Equal("vm.notRunning", Assert.Single(world.Outcomes).Failure!.Code);
        Assert.Equal(VmState.Stopped, world.Status!.State);
    }

    [Fact]
    public void AStoppedVmWithoutAnOrderStaysStopped() => Assert.Equal(new VmStep.Rest(), Stopped().Next());

    [Fact]
    public void AServedOrderIsNotServedAgain()
    {
        var world = Stopped(Run);
        world.Settle();
        world.Process = null;
        world.Status = TestVms.Status(VmState.Stopped, run: 2) with { Served = "op-run" };
        Assert.Equal(new VmStep.Rest(), world.Next());
    }

    [Fact]
    public void AStartMakesTheNextRunAndServesItsOrder()
    {
        var world = Stopped(Run);
        Assert.Equal(new VmStep.Start(2), world.Next());
        world.Settle();
        Assert.Equal(new OrderOutcome("op-run", OperationPhase.Succeeded), Assert.Single(world.Outcomes));
        Assert.Equal((VmState.Running, 2L), (world.Status!.State, world.Status.Run));
        Assert.Null(world.Status.StopCause);
    }

    [Fact]
    public void AStartOfARunningVmIsServedAtOnce()
    {
        var world = Running(Run);
        world.Settle();
        Assert.Equal(OperationPhase.Succeeded, Assert.Single(world.Outcomes).Phase);
        Assert.Equal(1, world.Status!.Run);
    }

    [Fact]
    public void AFailedStartIsFinalForItsOrder()
    {
        var world = Stopped(Run);
        world.Failure = new StepFailure(new VmStep.Start(2), new Failure { Code = "engine.startFailed", Message = "no" });
        world.Settle();
        Assert.Equal(OperationPhase.Failed, Assert.Single(world.Outcomes).Phase);
        Assert.Equal((VmState.Stopped, StopCause.StartFailed), (world.Status!.State, world.Status.StopCause));
        Assert.Equal("engine.startFailed", world.Status.Failure!.Code);
    }

    [Fact]
    public void ACreatedVmThatIsNotStartedGetsItsDisks()
    {
        var world = new PlanWorld { Order = new PowerOrder("op-create", PowerWanted.Stopped) };
        world.Settle();
        Assert.IsType<VmStep.MakeDisks>(world.Taken[0]);
        Assert.Equal(OperationPhase.Succeeded, Assert.Single(world.Outcomes).Phase);
        Assert.Equal(VmState.Stopped, world.Status!.State);
    }

    [Fact]
    public void AShutdownPressesTheButtonOnceAndTheGuestsPowerOffServesIt()
    {
        var world = Running(Stop);
        world.Settle();
        Assert.Single(world.Taken, step => step is VmStep.PressPowerButton);
        Assert.Equal((VmState.Stopped, StopCause.Request), (world.Status!.State, world.Status.StopCause));
        Assert.Equal(OperationPhase.Succeeded, Assert.Single(world.Outcomes).Phase);
    }

    [Fact]
    public void AGuestThatDoesNotShutDownRunsOnAndTheOperationFails()
    {
        var world = Running(Stop);
        world.GuestObeysButton = false;
        world.Settle();
        Assert.Equal("vm.shutdownTimeout", Assert.Single(world.Outcomes).Failure!.Code);
        Assert.Equal(VmState.Running, world.Status!.State);
        Assert.NotNull(world.Process);
    }

    [Fact]
    public void ForceAfterCutsThePowerWhenTheTimeIsOver()
    {
        var world = Running(Stop with { ForceAfter = true });
        world.GuestObeysButton = false;
        world.Settle();
        Assert.Null(world.Process);
        Assert.Equal(OperationPhase.Succeeded, Assert.Single(world.Outcomes).Phase);
    }

    [Fact]
    public void AForcedStopIsRecordedBeforeItIsDone()
    {
        var world = Running(Force);
        var write = Assert.IsType<VmStep.Write>(world.Next());
        Assert.Equal((VmState.Stopping, StopCause.Request), (write.Status.State, write.Status.StopCause));
        world.Apply(write);
        Assert.Equal(new VmStep.End(), world.Next());
    }

    [Fact]
    public void AShutdownOfAPausedVmFailsSinceItsGuestCannotHear()
    {
        var world = Running(Stop);
        world.Status = world.Status! with { State = VmState.Paused, PauseCause = PauseCause.Request };
        world.Process = world.Process! with { State = RunState.Paused };
        world.Settle();
        Assert.Equal("vm.paused", Assert.Single(world.Outcomes).Failure!.Code);
    }

    [Fact]
    public void PauseAndResume()
    {
        var world = Running(Pause);
        world.Settle();
        Assert.Equal((VmState.Paused, PauseCause.Request), (world.Status!.State, world.Status.PauseCause));
        world.Order = Run;
        world.Settle();
        Assert.Equal(VmState.Running, world.Status!.State);
        Assert.Equal(2, world.Outcomes.Count);
    }

    [Theory]
    [InlineData(RestartPolicy.Never, false)]
    [InlineData(RestartPolicy.OnFailure, true)]
    [InlineData(RestartPolicy.Always, true)]
    public void ACrashFollowsThePolicy(RestartPolicy policy, bool comesBack)
    {
        var world = Running();
        world.Spec = world.Spec with { Restart = policy };
        world.Process = null;
        world.Exit = new VmExit(1, "killed by signal 9");
        var settled = Assert.IsType<VmStep.Write>(world.Next());
        Assert.Equal((VmState.Stopped, StopCause.Crash, 1), (settled.Status.State, settled.Status.StopCause, settled.Status.Crashes));
        Assert.Contains("killed by signal 9", settled.News!.Message, StringComparison.Ordinal);
        world.Settle();
        Assert.Equal(comesBack, world.Process is not null);
    }

    [Theory]
    [InlineData(RestartPolicy.OnFailure, false)]
    [InlineData(RestartPolicy.Always, true)]
    public void AGuestsOwnPowerOffIsFinalUnlessAlways(RestartPolicy policy, bool comesBack)
    {
        var world = Running();
        world.Spec = world.Spec with { Restart = policy };
        world.Process = world.Process! with { State = RunState.Shutdown };
        world.Settle();
        Assert.Equal(comesBack, world.Process is not null);
        Assert.Equal(comesBack ? null : StopCause.GuestShutdown, world.Status!.StopCause);
    }

    [Fact]
    public void APowerOffThatTheDaemonWasRestartedInIsNoCrash()
    {
        var world = Running();
        world.Process = world.Process! with { State = RunState.Shutdown };
        world.Apply(world.Next());
        world.Apply(world.Next());
        world.RestartDaemon();
        world.Settle();
        Assert.Equal(StopCause.GuestShutdown, world.Status!.StopCause);
    }

    [Fact]
    public void CrashesInARowWaitLongerAndLonger()
    {
        var world = Running();
        var waits = new List<TimeSpan>();
        for (int crash = 0; crash < 4; crash++)
        {
            world.Process = null;
            world.Apply(world.Next());
            waits.Add(Assert.IsType<VmStep.Rest>(world.Next()).For!.Value);
            world.Settle();
        }

        Assert.Equal([1, 2, 4, 8], waits.Select(wait => wait.TotalSeconds));
    }

    [Fact]
    public void AFailedStartOfThePolicyIsTriedAgainLater()
    {
        var world = Running();
        world.Process = null;
        world.Apply(world.Next());
        world.Failure = new StepFailure(new VmStep.Start(2), new Failure { Code = "engine.startFailed", Message = "no" });
        world.Apply(world.Next());
        Assert.Equal((StopCause.Crash, 2), (world.Status!.StopCause, world.Status.Crashes));
        Assert.Equal(TimeSpan.FromSeconds(2), Assert.IsType<VmStep.Rest>(world.Next()).For);
    }

    [Fact]
    public void AfterABootOfTheHostOnlyAutostartBringsAVmBack()
    {
        var world = Running();
        world.Process = null;
        world.Status = world.Status! with { HostBootId = "boot-1" };
        world.Settle();
        Assert.Equal((VmState.Stopped, StopCause.HostBoot), (world.Status!.State, world.Status.StopCause));
        world.AutostartDue = true;
        Assert.Equal(new VmStep.Rest(), world.Next());
        world.Spec = world.Spec with { Autostart = new VmAutostart { Enabled = true } };
        Assert.Equal(new VmStep.Start(2), world.Next());
    }

    [Fact]
    public void ASilentMonitorIsShownAndNeverKilled()
    {
        var world = Running();
        world.Process = world.Process! with { State = null };
        world.Settle();
        Assert.Equal(VmState.Unresponsive, world.Status!.State);
        world.Order = Stop;
        world.Settle();
        Assert.NotNull(world.Process);
        world.Process = world.Process with { State = RunState.Running };
        world.Order = null;
        world.Settle();
        Assert.Equal(VmState.Running, world.Status!.State);
    }

    [Fact]
    public void AForcedStopReachesASilentVm()
    {
        var world = Running(Force);
        world.Process = world.Process! with { State = null };
        world.Settle();
        Assert.Null(world.Process);
    }

    [Fact]
    public void ALostRecordKillsNothing()
    {
        var world = Running();
        world.Status = null;
        world.Settle();
        Assert.NotNull(world.Process);
        Assert.Equal((VmState.Running, 1L), (world.Status!.State, world.Status.Run));
    }

    [Fact]
    public void AProcessThatNeverRanIsPutAwayAndTheOrderBegunAnew()
    {
        var world = Stopped(Run);
        world.CreateProcess(new VmStep.Start(2));
        world.RestartDaemon();
        Assert.Equal(new VmStep.End(NeverRan: true), world.Next());
        world.Settle();
        Assert.Equal(VmState.Running, world.Status!.State);
    }

    [Fact]
    public void AFullPoolPausesAndRoomResumes()
    {
        var world = Running();
        world.Process = world.Process! with { State = RunState.IoError, NoSpace = true };
        world.Settle();
        Assert.Equal((VmState.Paused, PauseCause.PoolFull), (world.Status!.State, world.Status.PauseCause));
        Assert.Equal("pool.full", world.Status.Failure!.Code);
        world.PoolHasRoom = true;
        world.Settle();
        Assert.Equal(VmState.Running, world.Status!.State);
        Assert.Null(world.Status.Failure);
    }

    [Fact]
    public void ADiskErrorIsNotResumedByItself()
    {
        var world = Running();
        world.Process = world.Process! with { State = RunState.IoError };
        world.PoolHasRoom = true;
        world.Settle();
        Assert.Equal((VmState.Paused, PauseCause.IoError), (world.Status!.State, world.Status.PauseCause));
    }

    [Theory]
    [InlineData(RestartPolicy.Never, VmState.Paused, PauseCause.GuestPanic, 0)]
    [InlineData(RestartPolicy.OnFailure, VmState.Running, null, 1)]
    [InlineData(RestartPolicy.Always, VmState.Running, null, 1)]
    public void AGuestThatPanickedIsKeptForALookOrEndedAndStartedAgainByItsPolicy(RestartPolicy policy, VmState state, PauseCause? cause, int crashes)
    {
        var world = Running();
        world.Spec = world.Spec with { Restart = policy };
        long run = world.Process!.Run;
        world.Process = world.Process with { State = RunState.GuestPanicked };
        world.Settle();
        Assert.Equal((state, cause, crashes), (world.Status!.State, world.Status.PauseCause, world.Status.Crashes));
        Assert.Equal(run + crashes, world.Process!.Run);
    }

    [Theory]
    [InlineData(WatchdogAction.Pause, RestartPolicy.OnFailure, VmState.Paused, null)]
    [InlineData(WatchdogAction.PowerOff, RestartPolicy.OnFailure, VmState.Stopped, StopCause.Watchdog)]
    [InlineData(WatchdogAction.PowerOff, RestartPolicy.Always, VmState.Running, null)]
    public void AWatchdogThatRanOutPausesOrPowersOff(WatchdogAction action, RestartPolicy policy, VmState state, StopCause? cause)
    {
        var world = Running();
        world.Spec = world.Spec with { Watchdog = action, Restart = policy };
        world.Process = world.Process! with { State = RunState.Watchdog };
        world.Settle();
        Assert.Equal((state, cause), (world.Status!.State, world.Status.StopCause));
        Assert.Equal(state == VmState.Paused ? PauseCause.Watchdog : null, world.Status.PauseCause);
    }

    [Fact]
    public void AWatchdogThatResetItsGuestIsTold()
    {
        var world = Running();
        var write = Assert.IsType<VmStep.Write>(VmPlan.Next(world.Wanted, world.Seen with { WatchdogFired = true, GuestReset = true }, world.Now));
        Assert.Equal((VmState.Running, "vm.watchdog"), (write.Status.State, write.News!.Kind));
    }

    [Fact]
    public void DeletingEndsTheProcessThenTheDisksThenTheRecords()
    {
        var world = Running();
        world.Spec = world.Spec with { Deleting = "op-delete" };
        world.Settle();
        Assert.Null(world.Process);
        Assert.True(world.Deleted);
        Assert.True(world.Removed);
    }

    [Fact]
    public void AHigherEpochEndsTheOldProcessOnlyAfterACommitThatConfirmsIt()
    {
        var world = new PlanWorld { Epoch = 2, Status = TestVms.Status(VmState.Running), Process = new VmProcess(1, 1, RunState.Running) };
        Assert.IsType<VmStep.Write>(world.Next());
        world.Settle();
        Assert.Null(world.Process);
    }

    [Fact]
    public void AProcessOfANewerEpochIsLeftAlone()
    {
        var world = new PlanWorld { Status = TestVms.Status(VmState.Stopped), Process = new VmProcess(2, 7, RunState.Running), Order = Force };
        Assert.Equal(new VmStep.Rest(), world.Next());
    }

    [Fact]
    public void RefreshedFiguresWaitForTwoSeconds()
    {
        var world = Running();
        var seen = world.Seen with { Observation = new VmObservation { Addresses = ["192.168.200.10"] }, SinceStatus = TimeSpan.FromSeconds(0.5) };
        Assert.Equal(new VmStep.Rest(TimeSpan.FromSeconds(1.5)), VmPlan.Next(world.Wanted, seen, world.Now));
        var write = Assert.IsType<VmStep.Write>(VmPlan.Next(world.Wanted, seen with { SinceStatus = TimeSpan.FromSeconds(2) }, world.Now));
        Assert.Equal(["192.168.200.10"], write.Status.Addresses);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void AnotherBootIdOfTheAgentIsAResetUnlessAlreadyTold(bool told, bool news)
    {
        var world = Running();
        world.Status = world.Status! with { Agent = new VmAgentStatus { Connected = true, BootId = "guest-1" } };
        var observation = new VmObservation { Agent = new VmAgentStatus { Connected = true, BootId = "guest-2" }, ResetTold = told };
        var write = Assert.IsType<VmStep.Write>(VmPlan.Next(world.Wanted, world.Seen with { Observation = observation }, world.Now));
        Assert.Equal(news, write.News?.Kind == "vm.guestReset");
    }
}
