using Lamina.Api;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Vms.Plan;

/// <summary>The plan for a VM without a process.</summary>
internal static class VmPlanDead
{
    public static VmStep Next(VmMoment moment)
    {
        var status = moment.Seen.Status;
        if (StartFailure(moment) is { } failed) return failed;
        if (status is not null && !IsSettled(status, moment)) return Settle(moment, status);
        if (moment.Seen.Strays.Count > 0 && moment.Seen.Failure?.Step is not VmStep.ReleaseDisks) return new VmStep.ReleaseDisks(moment.Seen.Strays);
        if (moment.IsDeleting) return Delete(moment);
        if (VmPlanJob.Next(moment) is { } job) return job;
        if (moment.Wanted.Reset is { } reset) return new VmStep.RefuseReset(reset, VmFailures.NotRunning(moment.Name, "reset"));
        return moment.Order is { } order ? Obey(moment, order) : Unasked(moment);
    }

    /// <summary>Its status tells the truth about a VM without a process.</summary>
    private static bool IsSettled(VmStatus status, VmMoment moment) => status.State switch
    {
        VmState.Stopped or VmState.Suspended => true,

        // The daemon died between the commit and QEMU, or the host did: the run never was. The order still stands and is begun anew.
        VmState.Starting => (moment.Order is null ? status.StartDue is not null : moment.Order.Wanted == PowerWanted.Running) && moment.Seen.Exit?.Run != status.Run && !moment.IsDeleting
            && status.HostBootId == moment.Seen.HostBootId,
        _ => false,
    };

    /// <summary>The process has ended: says why.</summary>
    private static VmStep.Write Settle(VmMoment moment, VmStatus status)
    {
        var cause = CauseOf(moment, status);
        var ended = VmRestart.Ended(moment.Base, cause, moment.Wanted.Spec.Restart, moment.Now);
        var news = ended.State == VmState.Suspended ? null : NewsOf(moment, status, ended);
        if (cause == StopCause.Crash) ended = ended with { Failure = CrashFailure(moment) };
        else ended = ended with { Failure = null };
        bool reached = moment.Order?.Wanted == PowerWanted.Stopped && ended.State != VmState.Suspended;
        if (reached) return moment.Serve(ended with { StopCause = StopCause.Request, RestartAt = null, Failure = null, Crashes = 0 }, OperationPhase.Succeeded, news: news);
        bool startDied = status.State == VmState.Starting && cause == StopCause.Crash && moment.Order?.Wanted == PowerWanted.Running;
        return startDied ? moment.Fail(ended with { RestartAt = null, StopCause = StopCause.StartFailed }, CrashFailure(moment), news) : moment.Write(ended, news);
    }

    private static StopCause CauseOf(VmMoment moment, VmStatus status)
    {
        if (status is { State: VmState.Stopping, StopCause: { } recorded }) return recorded;
        if (moment.IsDeleting || moment.Seen.Exit is { IsCut: true }) return StopCause.Request;
        if (moment.Seen.HostStop is not null) return StopCause.HostBoot;
        if (status.HostBootId is { } boot && boot != moment.Seen.HostBootId) return StopCause.HostBoot;
        return StopCause.Crash;
    }

    private static VmNews NewsOf(VmMoment moment, VmStatus before, VmStatus ended) => ended.StopCause switch
    {
        StopCause.GuestShutdown => moment.News("vm.poweredOff", "was powered off by its guest."),
        StopCause.GuestPanic => moment.News("vm.stopped", $"was stopped after its guest's panic{Comeback(ended, moment.Now)}", EventSeverity.Error),
        StopCause.HostBoot => moment.News("vm.stopped", "was ended by the host going down.", EventSeverity.Warning),
        StopCause.Crash => moment.News("vm.crashed", $"has died: {moment.Seen.Exit?.Words ?? "its process is gone"}{Comeback(ended, moment.Now)}", EventSeverity.Error),
        StopCause.StartFailed => moment.News("vm.startFailed", "could not be started.", EventSeverity.Error),
        _ => moment.News("vm.stopped", before.State == VmState.Stopping ? "was stopped." : "is stopped."),
    };

    private static string Comeback(VmStatus ended, DateTimeOffset now) =>
        ended.RestartAt is { } at ? $". It is started again in {(int)(at - now).TotalSeconds} s (crash {ended.Crashes} in a row)." : ".";

    private static Failure CrashFailure(VmMoment moment) => new()
    {
        Code = "vm.crashed",
        Message = $"QEMU of VM '{moment.Name}' has ended by itself: {moment.Seen.Exit?.Words ?? "while the daemon was away, its process is gone"}.",
        Remedy = $"Look at its last words with: lamina vm log {moment.Name}.",
    };

    /// <summary>The start that was just tried did not work: for an order that is final, for the restart policy it counts as a crash.</summary>
    private static VmStep? StartFailure(VmMoment moment)
    {
        if (moment.Seen.Failure is not { Step: VmStep.Start or VmStep.Continue or VmStep.MakeDisks, Failure: var failure }) return null;
        if (moment.IsDeleting || moment.Order?.Wanted == PowerWanted.Stopped && moment.Seen.Failure.Step is not VmStep.MakeDisks) return null;
        var news = moment.News("vm.startFailed", $"could not be started: {failure.Message}", EventSeverity.Error);
        if (moment.Order is null && moment.Seen.Status?.StopCause is StopCause.Crash or StopCause.GuestShutdown or StopCause.GuestPanic or StopCause.Watchdog)
        {
            var again = VmRestart.Ended(moment.Base, StopCause.Crash, moment.Wanted.Spec.Restart, moment.Now);
            return moment.Write(again with { Failure = failure }, news);
        }

        var stopped = VmRestart.Ended(moment.Base, StopCause.StartFailed, moment.Wanted.Spec.Restart, moment.Now) with { Failure = failure };
        if (moment.Order?.CancelRequested == true) return moment.Serve(stopped with { Failure = null, StopCause = StopCause.Request }, OperationPhase.Cancelled);
        return moment.Fail(stopped, failure, moment.Seen.Failure.Step is VmStep.MakeDisks ? null : news);
    }

    private static VmStep Obey(VmMoment moment, PowerOrder order)
    {
        bool isSuspended = moment.Base.Memory is not null;
        var stopped = moment.Base with { State = isSuspended ? VmState.Suspended : VmState.Stopped, StartDue = null };
        switch (order.Wanted)
        {
            case PowerWanted.Running when order.CancelRequested:
                return moment.Serve(stopped with { StopCause = StopCause.Request, RestartAt = null }, OperationPhase.Cancelled);
            case PowerWanted.Running:
                return new VmStep.Start(stopped.Run + 1);
            case PowerWanted.Paused:
                return moment.Fail(stopped, VmFailures.NotRunning(moment.Name, "paused"));
            default:
                if (!moment.Seen.DisksMade && moment.Seen.Status is null) return new VmStep.MakeDisks();
                if (isSuspended && !order.Force) return moment.Fail(stopped, VmFailures.Suspended(moment.Name));
                var discarded = isSuspended ? moment.News("vm.discarded", "is stopped: the memory with which it was suspended is discarded.", EventSeverity.Warning) : null;
                return moment.Serve(
                    stopped with { State = VmState.Stopped, Memory = null, StopCause = StopCause.Request, RestartAt = null, Crashes = 0, Failure = null },
                    OperationPhase.Succeeded, news: discarded);
        }
    }

    private static VmStep Unasked(VmMoment moment)
    {
        if (moment.Seen.Status is not { } status) return new VmStep.Rest();
        if (moment.Wanted.Changes is [var change, ..]) return new VmStep.EndChange(change.Operation, new ChangeOutcome(OperationPhase.Succeeded, null, null));
        if (moment.Seen.HostStop is not null) return new VmStep.Rest();
        if (status.StartDue is not null) return new VmStep.Start(status.Run + 1);
        if (status.State == VmState.Suspended) return new VmStep.Rest();
        if (status.StopCause == StopCause.HostBoot && moment.Wanted.Spec.Autostart is { Enabled: true } && moment.Seen.AutostartDue)
            return new VmStep.Start(status.Run + 1);
        return VmRestart.Due(status, moment.Wanted.Spec.Restart, moment.Now) switch
        {
            null => new VmStep.Rest(),
            { } due when due == TimeSpan.Zero => new VmStep.Start(status.Run + 1),
            var due => new VmStep.Rest(due),
        };
    }

    private static VmStep Delete(VmMoment moment)
    {
        if (moment.Seen.Deleted) return new VmStep.Remove();
        if (moment.Seen.Failure is not { Step: VmStep.DeleteResources, Failure: var failure }) return new VmStep.DeleteResources();
        bool told = moment.Seen.Status?.Failure == failure;
        return told ? new VmStep.Rest(VmPlan.RetryInterval) : moment.Write(moment.Base with { State = VmState.Stopped, Failure = failure });
    }
}
