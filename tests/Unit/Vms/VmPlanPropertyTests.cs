using CsCheck;
using Lamina.Api;
using Lamina.Engine.Qmp;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Run;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

/// <summary>Random worlds, fixed promises (<see cref="PlanWorld"/> throws when one is broken).</summary>
public class VmPlanPropertyTests
{
    private static readonly Gen<RunState?> GenRunState = Gen.OneOf<RunState?>(
        null, RunState.PreLaunch, RunState.InMigrate, RunState.Running, RunState.Paused, RunState.IoError, RunState.Shutdown, RunState.GuestPanicked, RunState.Suspended);

    private static readonly Gen<VmProcess?> GenProcess = Gen.Select(Gen.Bool, Gen.Long[1, 3], GenRunState, Gen.Bool, (alive, run, state, noSpace) =>
        alive ? new VmProcess(1, run, state) { NoSpace = noSpace } : null);

    private static readonly Gen<VmStatus?> GenStatus = Gen.Select(
        Gen.Bool,
        Gen.Enum<VmState>(),
        Gen.Long[0, 3],
        Gen.OneOf<StopCause?>(null, StopCause.Crash, StopCause.GuestShutdown, StopCause.HostBoot, StopCause.Request, StopCause.StartFailed),
        Gen.Bool,
        Gen.Int[0, 3],
        (known, state, run, cause, thisBoot, job) => known
            ? TestVms.Status(state, run, thisBoot ? PlanWorld.Boot : "boot-1") with
            {
                // A cause stands only where the plan writes one.
                StopCause = state is VmState.Stopped or VmState.Stopping or VmState.Starting ? cause : null,
                // A memory is on record of a VM that is suspended, and of one that is being started with it.
                Memory = state == VmState.Suspended || (state == VmState.Starting && job == 1) ? new VmMemoryImage { Folder = "suspend-x" } : null,
                Job = job == 0 ? new VmJobPermit { Operation = "op-job", Kind = VmJobKind.Snapshot } : null,
                RestartAt = state == VmState.Stopped && cause == StopCause.Crash ? TestVms.Epoch + TimeSpan.FromSeconds(3) : null,
            }
            : null);

    private static readonly Gen<PowerOrder?> GenOrder = Gen.Select(Gen.Bool, Gen.Enum<PowerWanted>(), Gen.Bool, Gen.Bool, Gen.Bool, (asked, wanted, force, forceAfter, cancel) =>
        asked ? new PowerOrder("op-1", wanted) { Force = force, ForceAfter = forceAfter, CancelRequested = cancel } : null);

    private static readonly Gen<PlanWorld> GenWorld = Gen.Select(
        GenStatus, GenProcess, GenOrder, Gen.Enum<RestartPolicy>(), Gen.Bool, Gen.Bool, Gen.Bool, Gen.Int[0, 59],
        (status, process, order, policy, obeys, autostart, room, chance) => new PlanWorld
        {
            // The job on record comes back with its operation, or is over; another one may wait.
            Job = chance % 3 == 0 ? new VmJobRequest(status?.Job is not null ? "op-job" : "op-other", VmJobKind.Snapshot) : null,
            IsJobLost = true,
            JobLeavesIt = chance % 2 == 0,
            Status = status,
            Process = process,
            Order = order,
            Spec = TestVms.Spec() with
            {
                Restart = policy,
                Autostart = new VmAutostart { Enabled = autostart },
                Deleting = chance % 10 == 0 ? "op-delete" : null,
            },
            GuestObeysButton = obeys,
            AutostartDue = true,
            PoolHasRoom = room,
            HighestRun = Math.Max(status?.Run ?? 0, process is { State: not (RunState.PreLaunch or RunState.InMigrate) } ? process.Run : 0),
        })

        // A process that ran is never older than the record: it was begun without another one there.
        .Where(world => world.Process is null or { State: RunState.PreLaunch or RunState.InMigrate } || world.Process.Run >= (world.Status?.Run ?? 0));

    [Fact]
    public void FromAnyStateThePlanComesToRestWhereItWasWantedOrSaysWhyNot() => GenWorld.Sample(world =>
    {
        var order = world.Order;
        bool silent = world.Process is { State: null };
        world.Settle();
        if (world.Spec.Deleting is not null) Assert.True(world.Removed);
        else if (order is not null && !(silent && world.Process is not null)) AssertServed(world, order);
    });

    [Fact]
    public void ADaemonThatDiesBetweenAnyTwoStepsChangesNothing() =>
        Gen.Select(GenWorld, Gen.Int[0, 12].Array[1, 4]).Sample((world, deaths) =>
        {
            var order = world.Order;
            bool silent = world.Process is { State: null };
            foreach (int steps in deaths)
            {
                for (int step = 0; step < steps && world.Next() is var next and not VmStep.Rest { For: null }; step++) world.Apply(next);
                world.RestartDaemon();
            }

            world.Settle();
            if (world.Spec.Deleting is not null) Assert.True(world.Removed);
            else if (order is not null && !(silent && world.Process is not null)) AssertServed(world, order);
            Assert.True(world.Outcomes.Count <= 1, "an operation ended twice");
        });

    /// <summary>Start is three effects; the daemon may die after any of them, and the commit may come before the process.</summary>
    [Fact]
    public void ADaemonThatDiesWithinAStartNeverStartsTwice() => Gen.Select(GenWorld, Gen.Int[0, 2]).Sample((world, within) =>
    {
        bool died = false;
        for (int step = 0; step < 60; step++)
        {
            var next = world.Next();
            if (next is VmStep.Rest { For: null }) return;
            if (next is not VmStep.Start start || died)
            {
                world.Apply(next);
                continue;
            }

            died = true;
            if (within != 0) world.CreateProcess(start);
            if (within != 1) world.CommitStarting(start);
            world.RestartDaemon();
        }

        Assert.Fail("the plan does not come to rest");
    });

    [Fact]
    public void NothingButARequestADeletionOrItsOwnEndStopsARunningGuest() => GenWorld
        .Where(world => world.Process is { State: RunState.Running or RunState.Paused or RunState.IoError or null } && world.Order is not { Wanted: PowerWanted.Stopped })
        .Where(world => world.Spec.Deleting is null && world.Status is not ({ State: VmState.Stopping, StopCause: not null } or { State: VmState.Suspended }))
        .Where(world => world.Job is null || world.JobLeavesIt)
        .Sample(world =>
        {
            world.Settle();
            Assert.NotNull(world.Process);
        });

    [Fact]
    public void WithoutAnOrderAStoppedVmStartsOnlyByItsPolicy() => GenWorld
        .Where(world => world.Process is null && world.Order is null && world.Spec.Deleting is null)
        .Sample(world =>
        {
            var policy = world.Spec.Restart;
            bool mayStart = policy != RestartPolicy.Never || world.Spec.Autostart!.Enabled;
            world.Settle();
            if (!mayStart) Assert.Null(world.Process);
        });

    private static void AssertServed(PlanWorld world, PowerOrder order)
    {
        var outcome = Assert.Single(world.Outcomes);
        if (outcome.Phase == OperationPhase.Failed) Assert.False(string.IsNullOrWhiteSpace(outcome.Failure!.Message));
        if (outcome.Phase != OperationPhase.Succeeded || world is { JobLeavesIt: false, Status.State: VmState.Suspended }) return;
        switch (order.Wanted)
        {
            case PowerWanted.Running:
                Assert.Equal(VmState.Running, world.Status!.State);
                break;
            case PowerWanted.Paused when world.Status!.Crashes > 0:
                // A panicked guest was paused as wanted, and then ended and begun anew by its policy.
                break;
            case PowerWanted.Paused:
                Assert.Equal(VmState.Paused, world.Status!.State);
                break;
            default:
                Assert.Equal(VmState.Stopped, world.Status!.State);
                Assert.Null(world.Process);
                break;
        }
    }
}
