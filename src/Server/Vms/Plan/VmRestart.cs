using Lamina.Api;

namespace Lamina.Server.Vms.Plan;

/// <summary>The restart policy (pure): whether a VM that ended comes back, and when.</summary>
internal static class VmRestart
{
    /// <summary>Longest wait between two tries.</summary>
    public static readonly TimeSpan LongestBackOff = TimeSpan.FromMinutes(5);

    /// <summary>A VM that ran so long has recovered: its crashes are counted anew.</summary>
    public static readonly TimeSpan Stable = TimeSpan.FromMinutes(10);

    /// <summary>A clock that is kept right goes back by less.</summary>
    private static readonly TimeSpan ClockSlack = TimeSpan.FromSeconds(5);

    /// <summary>1 s, 2 s, 4 s … 5 min.</summary>
    public static TimeSpan BackOff(int crashes) =>
        crashes > 9 ? LongestBackOff : TimeSpan.FromSeconds(Math.Min(1 << Math.Max(crashes - 1, 0), LongestBackOff.TotalSeconds));

    public static bool Applies(RestartPolicy policy, StopCause cause) => cause switch
    {
        StopCause.Crash or StopCause.GuestPanic => policy != RestartPolicy.Never,
        StopCause.GuestShutdown or StopCause.Watchdog => policy == RestartPolicy.Always,
        _ => false,
    };

    /// <summary>The status of a VM that has just ended with <paramref name="cause"/>.</summary>
    public static VmStatus Ended(VmStatus status, StopCause cause, RestartPolicy policy, DateTimeOffset now)
    {
        if (status.Memory is not null) return Suspended(status);
        bool stable = status.StartedAt is { } started && now - started >= Stable;
        int crashes = cause is StopCause.Crash or StopCause.GuestPanic ? (stable ? 0 : status.Crashes) + 1 : 0;
        return WithoutRun(status) with
        {
            State = VmState.Stopped,
            StopCause = cause,
            Crashes = crashes,
            RestartAt = Applies(policy, cause) ? now + BackOff(crashes) : null,
        };
    }

    /// <summary>The run ended before its memory was loaded: nothing of it has happened.</summary>
    public static VmStatus Suspended(VmStatus status) => WithoutRun(status) with { State = VmState.Suspended, StopCause = null, RestartAt = null };

    /// <summary>
    /// How long to wait still; null: it does not come back by itself. The time is wall time, since it outlives the daemon; where more is left than the wait ever was, the clock
    /// was set back since, nobody knows how long ago it began, and it is over.
    /// </summary>
    public static TimeSpan? Due(VmStatus status, RestartPolicy policy, DateTimeOffset now)
    {
        if (status.RestartAt is not { } at || status.StopCause is not { } cause || !Applies(policy, cause)) return null;
        var wait = at - now;
        if (wait <= TimeSpan.Zero) return TimeSpan.Zero;
        return wait > BackOff(status.Crashes) + ClockSlack ? TimeSpan.Zero : wait;
    }

    /// <summary>Without what is said of a run that lasts. Whatever waited for a restart waits no more.</summary>
    private static VmStatus WithoutRun(VmStatus status) => status with
    {
        PauseCause = null,
        StartedAt = null,
        Addresses = [],
        Agent = null,
        Pending = [],
        Accelerator = null,
        StartDue = null,
    };
}
