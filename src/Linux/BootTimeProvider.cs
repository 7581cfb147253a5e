namespace Lamina.Linux;

/// <summary>
/// Time for deadlines and durations: timestamps and timers run on CLOCK_BOOTTIME, which goes on while the machine is suspended
/// (.NET's own monotonic clock stops there, so a lease would outlive its promise). Wall time is the system's.
/// </summary>
public sealed class BootTimeProvider : TimeProvider
{
    private readonly BootTimerQueue timers = new();

    private BootTimeProvider()
    {
    }

    /// <summary>The one instance of this process: all its timers share one timerfd.</summary>
    public static BootTimeProvider Shared { get; } = new();

    public override long TimestampFrequency => 1_000_000_000;

    public override long GetTimestamp() => HostClock.BootTimeNanoseconds();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = timers.Add(callback, state);
        timer.Change(dueTime, period);
        return timer;
    }
}
