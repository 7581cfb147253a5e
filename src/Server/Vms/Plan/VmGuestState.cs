using Lamina.Api;
using Lamina.Engine.Qmp;

namespace Lamina.Server.Vms.Plan;

/// <summary>What the engine says, as the status says it (pure).</summary>
internal static class VmGuestState
{
    /// <summary>The event of a guest that has booted anew within its run.</summary>
    public const string GuestReset = "vm.guestReset";

    /// <summary>The event of a watchdog that was not fed.</summary>
    public const string WatchdogFired = "vm.watchdog";

    public static VmState Of(RunState state) => state switch
    {
        // A guest in ACPI S3 sleeps by its own wish and wakes by itself.
        RunState.Running or RunState.Suspended => VmState.Running,
        RunState.PreLaunch => VmState.Starting,
        RunState.Shutdown => VmState.Stopping,
        _ => VmState.Paused,
    };

    /// <summary>The status with state and cause as the process has them; the rest unchanged.</summary>
    public static VmStatus Apply(VmStatus status, VmProcess process)
    {
        if (process.State is not { } state) return status with { State = VmState.Unresponsive };
        var shown = Of(state);
        if (shown != VmState.Paused) return status with { State = shown, PauseCause = null, Failure = IsPauseFailure(status.Failure) ? null : status.Failure };
        PauseCause? cause = state switch
        {
            // Somebody wants it paused, whatever else holds it: neither room in the pool nor a policy must set it going.
            RunState.IoError or RunState.GuestPanicked or RunState.Watchdog when status is { State: VmState.Paused, PauseCause: PauseCause.Request } => PauseCause.Request,
            RunState.IoError => process.NoSpace ? PauseCause.PoolFull : PauseCause.IoError,
            RunState.GuestPanicked or RunState.InternalError => PauseCause.GuestPanic,
            RunState.Watchdog => PauseCause.Watchdog,
            RunState.Paused or RunState.Debug => PauseCause.Request,
            _ => null,
        };
        return status with { State = VmState.Paused, PauseCause = cause, Failure = FailureOf(cause, process) };
    }

    /// <summary>Brings the status in line with the process; refreshed figures wait until the last commit is old enough.</summary>
    public static VmStep Sync(VmMoment moment, VmProcess process, VmStatus status)
    {
        var now = Apply(moment.Base, process);
        bool changed = now.State != status.State || now.PauseCause != status.PauseCause || status.HostBootId != now.HostBootId
            || now.Failure != status.Failure;
        var refreshed = Refresh(now, moment.Seen);
        if (!status.Pending.SequenceEqual(refreshed.Pending) && !changed) return moment.Write(refreshed, PendingNews(moment, status.Pending, refreshed.Pending));
        if (changed) return moment.Write(refreshed with { StopCause = null }, NewsOf(moment, status, now));
        if (moment.Seen.WatchdogFired) return moment.Write(refreshed, WatchdogNews(moment));
        if (ResetNews(moment, status) is { } guestReset) return moment.Write(refreshed, guestReset);
        if (!IsRefreshed(status, refreshed)) return new VmStep.Rest();
        var wait = VmPlan.RefreshInterval - moment.Seen.SinceStatus;
        return wait > TimeSpan.Zero ? new VmStep.Rest(wait) : moment.Write(refreshed);
    }

    private static VmStatus Refresh(VmStatus status, VmSeen seen)
    {
        var refreshed = WithPending(status, seen);
        return seen.Observation is { } observation
            ? refreshed with { Addresses = observation.Addresses, Agent = observation.Agent }
            : refreshed;
    }

    public static VmStatus WithPending(VmStatus status, VmSeen seen) => status with { Pending = VmPlanLive.Pending(seen) };

    private static VmNews? PendingNews(VmMoment moment, IReadOnlyList<PendingChange> before, IReadOnlyList<PendingChange> now)
    {
        var added = now.Except(before).ToList();
        return added.Count == 0 ? null : moment.News(
            "vm.pending", $"has changes that wait: {string.Join(" ", added.Select(change => $"{change.Path}: {change.Reason}"))}", EventSeverity.Warning);
    }

    private static bool IsRefreshed(VmStatus old, VmStatus refreshed) =>
        !old.Addresses.SequenceEqual(refreshed.Addresses) || old.Agent != refreshed.Agent;

    private static VmNews WatchdogNews(VmMoment moment) => moment.News(
        WatchdogFired,
        moment.Wanted.Spec.Watchdog == WatchdogAction.None ? "has not fed its watchdog; nothing follows, as it is set." : "has not fed its watchdog, and was reset.",
        EventSeverity.Warning);

    /// <summary>Told by QEMU itself, or, of a time when nobody listened, by another boot id of the agent.</summary>
    private static VmNews? ResetNews(VmMoment moment, VmStatus status)
    {
        if (moment.Seen.GuestReset) return moment.News(GuestReset, "was reset by its guest.");
        if (moment.Seen.Observation is not { Agent.BootId: { } boot, ResetTold: false }) return null;
        return status.Agent?.BootId is { } before && before != boot
            ? moment.News(GuestReset, "has been reset: its guest has booted anew.")
            : null;
    }

    private static VmNews? NewsOf(VmMoment moment, VmStatus before, VmStatus now) => (before.State, now.State, now.PauseCause) switch
    {
        (VmState.Unresponsive, VmState.Unresponsive, _) => null,
        (VmState.Unresponsive, _, _) => moment.News("vm.responsive", "answers again."),
        (_, VmState.Paused, PauseCause.PoolFull) => moment.News("vm.paused", "is paused: its pool is full. It goes on by itself once there is room.", EventSeverity.Warning),
        (_, VmState.Paused, PauseCause.IoError) => moment.News("vm.paused", "is paused: a disk of it cannot be read or written.", EventSeverity.Error),
        (_, VmState.Paused, PauseCause.Watchdog) => moment.News(WatchdogFired, "is paused: its guest has not fed its watchdog.", EventSeverity.Error),
        (_, VmState.Paused, PauseCause.GuestPanic) => moment.News("vm.panicked", "is paused: its guest has panicked.", EventSeverity.Error),
        (VmState.Running, VmState.Paused, _) => moment.News("vm.paused", "is paused."),
        (VmState.Paused, VmState.Running, _) => moment.News("vm.resumed", "runs again."),
        _ => null,
    };

    private const string PoolFullCode = "pool.full";
    private const string DiskErrorCode = "disk.ioError";

    private static bool IsPauseFailure(Failure? failure) => failure?.Code is PoolFullCode or DiskErrorCode;

    private static Failure? FailureOf(PauseCause? cause, VmProcess process) => cause switch
    {
        PauseCause.PoolFull => new Failure
        {
            Code = PoolFullCode,
            Message = $"The pool has no room for what the guest writes ({process.DiskError ?? "no space left"}); nothing is lost, the guest waits.",
            Remedy = "Make room in the pool; the guest then goes on by itself. Or resume it by hand: lamina vm resume NAME.",
        },
        PauseCause.IoError => new Failure
        {
            Code = DiskErrorCode,
            Message = $"A disk could not be read or written: {process.DiskError ?? "QEMU gives no reason"}.",
            Remedy = "Check the pool's storage, then: lamina vm resume NAME.",
        },
        _ => null,
    };
}
