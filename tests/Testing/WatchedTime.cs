using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Testing;

/// <summary>The test's time, which tells when somebody begins to wait: only then may it pass, if nothing is to be missed.</summary>
internal sealed class WatchedTime : FakeTimeProvider
{
    private readonly Channel<TimeSpan> _waits = Channel.CreateUnbounded<TimeSpan>();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = base.CreateTimer(callback, state, dueTime, period);
        _waits.Writer.TryWrite(dueTime);
        return timer;
    }

    /// <summary>Lets time pass whenever somebody waits for one of these, as much as he waits for, until something is done.</summary>
    public async Task AdvanceUntilAsync(Task done, CancellationToken cancellation, params TimeSpan[] waits)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var waited = WaitedForAsync(enough.Token, waits);
        while (await Task.WhenAny(done, waited) != done)
        {
            Advance(await waited);
            waited = WaitedForAsync(enough.Token, waits);
        }

        await enough.CancelAsync();
        await ((Task)waited).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await done;
    }

    /// <summary>Waits until somebody waits for one of these, in whole milliseconds as timers have them, and says for which; each wait is given once.</summary>
    public async Task<TimeSpan> WaitedForAsync(CancellationToken cancellation, params TimeSpan[] waits)
    {
        while (true)
        {
            var found = await _waits.Reader.ReadAsync(cancellation);
            foreach (var wait in waits)
            {
                if ((long)wait.TotalMilliseconds == (long)found.TotalMilliseconds) return wait;
            }
        }
    }
}
