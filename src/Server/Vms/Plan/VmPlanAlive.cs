using Lamina.Api;
using Lamina.Engine.Qmp;

namespace Lamina.Server.Vms.Plan;

/// <summary>The plan for a VM with a process.</summary>
internal static class VmPlanAlive
{
    public static VmStep Next(VmMoment moment, VmProcess process)
    {
        if (Foreign(moment, process) is { } foreign) return foreign;
        var status = moment.Seen.Status!;
        if (status is { State: VmState.Stopping, StopCause: not null }) return new VmStep.End();
        if (moment.IsDeleting) return moment.Write(Ending(moment, StopCause.Request));
        if (process.State is null) return Silent(moment, status);
        if (process.State == RunState.Shutdown) return moment.Write(Ending(moment, PowerOffCause(moment)));
        if (process.State is RunState.PreLaunch or RunState.InMigrate && status.State != VmState.Starting) return moment.Write(Ending(moment, StopCause.StartFailed));
        if (moment.Order is not { Wanted: PowerWanted.Stopped, Force: true } && VmPlanJob.Next(moment) is { } job) return job;
        if (status is { State: VmState.Starting, Memory: not null } || process.State == RunState.InMigrate) return Load(moment, process);
        if (moment.Order is { } order) return Obey(moment, process, order);
        return Unasked(moment, process, status);
    }

    /// <summary>
    /// A guest whose memory was loaded must not be loaded from there again once it has run: its disks are then of another time. So the memory is
    /// off the record before the CPUs run. One that was not loaded has never run, and one that still waits for a memory has none to wait for.
    /// </summary>
    private static VmStep Load(VmMoment moment, VmProcess process) => process.State switch
    {
        RunState.InMigrate or RunState.PreLaunch => new VmStep.End(NeverRan: true),
        _ => moment.Write(moment.Base with { Memory = null }),
    };

    /// <summary>Why a process is to end, committed before it is ended.</summary>
    private static VmStatus Ending(VmMoment moment, StopCause cause) =>
        moment.Base with { State = VmState.Stopping, StopCause = cause, PauseCause = null };

    private static StopCause PowerOffCause(VmMoment moment)
    {
        if (moment.Order?.Wanted == PowerWanted.Stopped) return StopCause.Request;
        return moment.Seen.HostStop is null ? StopCause.GuestShutdown : StopCause.HostBoot;
    }

    /// <summary>A process that the record does not speak of: one that never ran is put away, one that may run is taken up, never killed.</summary>
    private static VmStep? Foreign(VmMoment moment, VmProcess process)
    {
        var status = moment.Seen.Status;
        if (process.Epoch > moment.Wanted.Epoch) return new VmStep.Rest();
        if (process.Epoch == moment.Wanted.Epoch && status is not null && status.Epoch == process.Epoch && status.Run == process.Run)
            return status is { State: VmState.Suspended, Memory: not null } ? new VmStep.End() : IsLive(status.State) ? null : Adopt(moment, process);
        if (process.State is RunState.PreLaunch or RunState.InMigrate) return new VmStep.End(NeverRan: true);
        if (process.Epoch < moment.Wanted.Epoch) return process.Epoch >= moment.Wanted.Since ? new VmStep.TakeAlong() : Outlived(moment, status);
        return Adopt(moment, process);
    }

    private static bool IsLive(VmState state) => state is not (VmState.Stopped or VmState.Suspended);

    /// <summary>The VM has been given away at a higher epoch: the commit that says so is the confirmation, then its old process ends.</summary>
    private static VmStep Outlived(VmMoment moment, VmStatus? status) =>
        status is { State: VmState.Stopping, StopCause: not null } && status.Epoch == moment.Wanted.Epoch
            ? new VmStep.End()
            : moment.Write(Ending(moment, StopCause.Request), moment.News("vm.outlived", "ran here at an older epoch and is ended.", EventSeverity.Warning));

    private static VmStep.Write Adopt(VmMoment moment, VmProcess process)
    {
        var adopted = moment.Base with
        {
            Run = process.Run,
            State = process.State is null ? VmState.Unresponsive : VmState.Running,
            StopCause = null,
            PauseCause = null,
            Accelerator = process.Accelerator,
            StartedAt = process.StartedAt,
            Memory = null,
            StartDue = null,
            RestartAt = null,
            Failure = null,
        };
        return moment.Write(VmGuestState.Apply(adopted, process), moment.News("vm.adopted", "was found running without a record of it, and is taken up.", EventSeverity.Warning));
    }

    /// <summary>The monitor does not answer: shown, never killed. Only a forced stop reaches it.</summary>
    private static VmStep Silent(VmMoment moment, VmStatus status)
    {
        if (moment.Order is { Wanted: PowerWanted.Stopped } order)
        {
            if (order.Force) return moment.Write(Ending(moment, StopCause.Request));
            if (Expired(moment, order) is { } end) return end;
        }

        if (status.State != VmState.Unresponsive)
            return moment.Write(moment.Base with { State = VmState.Unresponsive }, moment.News("vm.unresponsive", "does not answer: QEMU's monitor is silent. The guest may run on; nothing is killed.", EventSeverity.Warning));
        return new VmStep.Rest(Remaining(moment));
    }

    private static VmStep Obey(VmMoment moment, VmProcess process, PowerOrder order)
    {
        bool runs = VmGuestState.Of(process.State!.Value) == VmState.Running;
        var now = VmGuestState.Apply(moment.Base, process);
        switch (order.Wanted)
        {
            case PowerWanted.Running when runs:
                return Started(moment, process);
            case PowerWanted.Running when order.CancelRequested && process.State == RunState.PreLaunch:
                return moment.Write(Ending(moment, StopCause.Request));
            case PowerWanted.Running:
                return moment.Seen.Failure is { Step: VmStep.Continue, Failure: var refused } ? moment.Fail(now, refused) : new VmStep.Continue();
            case PowerWanted.Paused when now.State == VmState.Starting:
                return new VmStep.Continue();
            case PowerWanted.Paused when !runs:
                var told = moment.Seen.Status!.State == VmState.Paused ? null : moment.News("vm.paused", "is paused.");
                return moment.Serve(now with { State = VmState.Paused, PauseCause = PauseCause.Request }, OperationPhase.Succeeded, news: told);
            case PowerWanted.Paused:
                return moment.Seen.Failure is { Step: VmStep.Pause, Failure: var failure } ? moment.Fail(now, failure) : new VmStep.Pause();
            default:
                return Stop(moment, process, order, now);
        }
    }

    /// <summary>The order to run is fulfilled: by a start, or by a resume.</summary>
    private static VmStep.Write Started(VmMoment moment, VmProcess process)
    {
        bool fresh = moment.Seen.Status!.State == VmState.Starting;
        var running = moment.Base with
        {
            State = VmState.Running,
            StopCause = null,
            PauseCause = null,
            Failure = null,
            RestartAt = null,
            StartDue = null,
            Accelerator = moment.Base.Accelerator ?? process.Accelerator,
            StartedAt = fresh ? moment.Now : moment.Base.StartedAt ?? process.StartedAt,
            Addresses = fresh ? moment.Wanted.Spec.ExpectedAddresses() : moment.Base.Addresses,
        };
        running = VmGuestState.WithPending(running, moment.Seen);
        bool wasPaused = moment.Seen.Status.State == VmState.Paused;
        var news = fresh ? moment.News("vm.started", "is running.") : wasPaused ? moment.News("vm.resumed", "runs again.") : null;
        return moment.Serve(running, OperationPhase.Succeeded, news: news);
    }

    private static VmStep Stop(VmMoment moment, VmProcess process, PowerOrder order, VmStatus now)
    {
        if (order.Force || process.State == RunState.PreLaunch) return moment.Write(Ending(moment, StopCause.Request));
        if (order.CancelRequested) return moment.Serve(now, OperationPhase.Cancelled);
        if (Expired(moment, order) is { } end) return end;
        if (now is { State: VmState.Paused, PauseCause: PauseCause.Request or null }) return moment.Fail(now, VmFailures.CannotHear(moment.Name));
        if (moment.Seen.Status!.State != VmState.Stopping) return moment.Write(now with { State = VmState.Stopping, StopCause = null });
        if (moment.Seen.Failure is { Step: VmStep.PressPowerButton, Failure: var failure }) return moment.Fail(now, failure);
        return moment.Seen.SinceButton is null ? new VmStep.PressPowerButton() : new VmStep.Rest(Remaining(moment));
    }

    /// <summary>The guest's time to shut down is over: cut the power if so ordered, else give up.</summary>
    private static VmStep? Expired(VmMoment moment, PowerOrder order)
    {
        if (moment.Seen.SinceButton is not { } waited || waited < order.Timeout) return null;
        if (order.ForceAfter) return moment.Write(Ending(moment, StopCause.Request));
        var now = moment.Seen.Process is { State: not null } process
            ? VmGuestState.Apply(moment.Base, process)
            : moment.Base with { State = VmState.Unresponsive };
        return moment.Fail(now, VmFailures.ShutdownTimeout(moment.Name, order.Timeout));
    }

    /// <summary>The host goes down: the guest is asked politely, and cut off only by order. A halted guest cannot hear.</summary>
    private static VmStep? EndWithHost(VmMoment moment, VmProcess process, HostStop stop)
    {
        var cut = stop.ForceAfter ? moment.Write(Ending(moment, StopCause.HostBoot)) : null;
        if (VmGuestState.Of(process.State!.Value) != VmState.Running) return cut;
        if (moment.Seen.SinceButton is { } waited) return waited < stop.Timeout ? new VmStep.Rest(stop.Timeout - waited) : cut;
        return moment.Seen.Failure?.Step is VmStep.PressPowerButton ? cut : new VmStep.PressPowerButton();
    }

    private static TimeSpan? Remaining(VmMoment moment) =>
        moment is { Order: { Wanted: PowerWanted.Stopped } order, Seen.SinceButton: { } waited } ? order.Timeout - waited : null;

    private static VmStep Unasked(VmMoment moment, VmProcess process, VmStatus status)
    {
        if (status.State == VmState.Starting)
        {
            if (process.State == RunState.Running) return Started(moment, process);
            if (moment.Seen.Failure is { Step: VmStep.Continue, Failure: var failed })
                return moment.Write(Ending(moment, StopCause.StartFailed) with { Failure = failed });
            if (process.State is RunState.PreLaunch or RunState.Paused) return new VmStep.Continue();
        }

        if (moment.Seen.HostStop is { } stop && EndWithHost(moment, process, stop) is { } end) return end;
        if (moment.Wanted.Reset is { } reset && moment.Seen.Failure?.Step is not VmStep.Reset) return new VmStep.Reset(reset);
        if (status is { State: VmState.Paused, PauseCause: PauseCause.PoolFull } && process.State == RunState.IoError && moment.Seen.PoolHasRoom
            && moment.Seen.Failure?.Step is not VmStep.Continue)
            return new VmStep.Continue();
        return EndByPolicy(moment, process) ?? VmPlanLive.Next(moment, process) ?? VmGuestState.Sync(moment, process, status);
    }

    /// <summary>A guest that has given up by itself, and whose VM is set to be ended then. Its kernel's last words are on the serial line.</summary>
    private static VmStep.Write? EndByPolicy(VmMoment moment, VmProcess process) => (process.State, moment.Wanted.Spec) switch
    {
        _ when moment.Seen.Status is { State: VmState.Paused, PauseCause: PauseCause.Request } => null,
        (RunState.GuestPanicked, { Restart: not RestartPolicy.Never }) => moment.Write(
            Ending(moment, StopCause.GuestPanic), moment.News("vm.panicked", "is ended: its guest has panicked.", EventSeverity.Error)),
        (RunState.Watchdog, { Watchdog: WatchdogAction.PowerOff }) => moment.Write(
            Ending(moment, StopCause.Watchdog), moment.News(VmGuestState.WatchdogFired, "is powered off: its guest has not fed its watchdog.", EventSeverity.Error)),
        _ => null,
    };
}
