using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux;

/// <summary>All armed timers in the order of their due time, behind one timerfd that is set to the first of them.</summary>
internal sealed class BootTimerQueue
{
    private const int AbsoluteTime = 1;

    private readonly Lock gate = new();
    private readonly SortedSet<BootTimer> armed = new(Comparer<BootTimer>.Create(InOrder));
    private SafeFileHandle? descriptor;
    private long lastId;

    public BootTimer Add(TimerCallback callback, object? state) => new(this, Interlocked.Increment(ref lastId), callback, state);

    /// <param name="timer">The timer to arm anew.</param>
    /// <param name="delayNanoseconds">From now; null disarms.</param>
    /// <param name="periodNanoseconds">Zero: once.</param>
    /// <returns>False for a timer that was disposed.</returns>
    public bool Arm(BootTimer timer, long? delayNanoseconds, long periodNanoseconds)
    {
        lock (gate)
        {
            if (timer.Disposed) return false;
            armed.Remove(timer);
            timer.PeriodNanoseconds = periodNanoseconds;
            timer.DueNanoseconds = delayNanoseconds is { } delay ? HostClock.BootTimeNanoseconds() + delay : null;
            if (timer.DueNanoseconds is not null) armed.Add(timer);
            SetDescriptor();
            return true;
        }
    }

    public void Retire(BootTimer timer)
    {
        lock (gate)
        {
            // The timerfd may still be set to this timer's time: an early wake-up finds nothing due and costs nothing.
            armed.Remove(timer);
            timer.Disposed = true;
        }
    }

    private static int InOrder(BootTimer a, BootTimer b)
    {
        var byDue = Nullable.Compare(a.DueNanoseconds, b.DueNanoseconds);
        return byDue != 0 ? byDue : a.Id.CompareTo(b.Id);
    }

    private void SetDescriptor()
    {
        if (armed.Min is not { } first) return;
        if (descriptor is null)
        {
            descriptor = Open();
            _ = RunAsync(descriptor);
        }

        var due = Math.Max(first.DueNanoseconds!.Value, 1); // zero would disarm
        var spec = new Libc.TimerSpec { Value = new() { Seconds = due / 1_000_000_000, Nanoseconds = due % 1_000_000_000 } };
        if (Libc.timerfd_settime(descriptor, AbsoluteTime, spec, 0) != 0) throw LinuxException.Last("set a timer");
    }

    private static SafeFileHandle Open()
    {
        var number = Libc.timerfd_create(Libc.ClockBootTime, Libc.OpenCloseOnExec | Libc.NonBlocking);
        return number >= 0 ? new(number, ownsHandle: true) : throw LinuxException.Last("create a timer on CLOCK_BOOTTIME");
    }

    private async Task RunAsync(SafeFileHandle timer)
    {
        while (true)
        {
            await EventLoop.Shared.WaitAsync(timer, Readiness.Read, CancellationToken.None).ConfigureAwait(false);
            foreach (var due in TakeDue()) ThreadPool.UnsafeQueueUserWorkItem(static timer => timer.Fire(), due, preferLocal: false);
        }
    }

    private List<BootTimer> TakeDue()
    {
        lock (gate)
        {
            var now = HostClock.BootTimeNanoseconds();
            var due = new List<BootTimer>();
            while (armed.Min is { } first && first.DueNanoseconds <= now)
            {
                armed.Remove(first);
                due.Add(first);
                first.DueNanoseconds = first.PeriodNanoseconds > 0 ? now + first.PeriodNanoseconds : null;
                if (first.DueNanoseconds is not null) armed.Add(first);
            }

            Drain();
            SetDescriptor();
            return due;
        }
    }

    /// <summary>Reads the count of expirations, so that the descriptor is not readable any more.</summary>
    private unsafe void Drain()
    {
        long expirations;
        _ = Libc.read(descriptor!, (byte*)&expirations, sizeof(long));
    }
}
