namespace Lamina.Linux;

/// <summary>One timer of <see cref="BootTimeProvider"/>. Its place in the queue is guarded by the queue's lock.</summary>
internal sealed class BootTimer(BootTimerQueue queue, long id, TimerCallback callback, object? state) : ITimer
{
    private readonly ExecutionContext? context = ExecutionContext.Capture();

    public long Id => id;

    /// <summary>When to fire, in nanoseconds of CLOCK_BOOTTIME; null while it is not armed.</summary>
    public long? DueNanoseconds { get; set; }

    /// <summary>Zero: fires once.</summary>
    public long PeriodNanoseconds { get; set; }

    public bool Disposed { get; set; }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dueTime, Timeout.InfiniteTimeSpan);
        ArgumentOutOfRangeException.ThrowIfLessThan(period, Timeout.InfiniteTimeSpan);
        return queue.Arm(
            this,
            dueTime == Timeout.InfiniteTimeSpan ? null : dueTime.Ticks * 100,
            period == Timeout.InfiniteTimeSpan ? 0 : period.Ticks * 100);
    }

    public void Fire()
    {
        if (context is null) callback(state);
        else ExecutionContext.Run(context, timer => ((BootTimer)timer!).Call(), this);
    }

    public void Dispose() => queue.Retire(this);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private void Call() => callback(state);
}
