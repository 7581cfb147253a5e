using System.Collections.Concurrent;
using Lamina.Server.Store;

namespace Lamina.Server.Control;

/// <summary>Whether and when a key wants to be looked at again without being woken.</summary>
internal readonly record struct Reconciled(TimeSpan? Again)
{
    public static Reconciled Done => default;

    public static Reconciled After(TimeSpan delay) => new(delay);
}

/// <summary>How often and how widely a <see cref="ControllerLoop"/> works.</summary>
internal sealed record ControllerLoopOptions
{
    /// <summary>Keys worked on at the same time; one key never by two.</summary>
    public int Workers { get; init; } = 4;

    public TimeSpan FirstBackoff { get; init; } = TimeSpan.FromMilliseconds(250);

    public TimeSpan LongestBackoff { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>
/// Brings things to where the records say, key by key: woken by changes of the cache, it calls <paramref name="reconcile"/>, which takes a
/// fresh snapshot, decides and does. A failure is logged and tried again, each time later and with jitter; success forgets the failures.
/// </summary>
/// <param name="name">For the log: <c>vm controller</c>.</param>
/// <param name="reconcile">Must be safe to repeat. Never called for one key twice at once.</param>
/// <param name="time">The clock of back-off and delays.</param>
/// <param name="logger">Told of failures.</param>
/// <param name="options">Null: the defaults.</param>
internal sealed partial class ControllerLoop(
    string name,
    Func<string, CancellationToken, Task<Reconciled>> reconcile,
    TimeProvider time,
    ILogger logger,
    ControllerLoopOptions? options = null) : IAsyncDisposable
{
    private readonly ControllerLoopOptions _options = options ?? new ControllerLoopOptions();
    private readonly WorkQueue _queue = new();
    private readonly ConcurrentDictionary<string, int> _failures = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ITimer> _timers = new(StringComparer.Ordinal);

    /// <summary>Asks for a look at this key, soon.</summary>
    public void Wake(string key) => _queue.Add(key);

    /// <summary>Asks for a look at this key after a delay; a later call replaces the delay of an earlier one.</summary>
    public void WakeAfter(string key, TimeSpan delay)
    {
        if (delay <= TimeSpan.Zero)
        {
            Wake(key);
            return;
        }

        var timer = time.CreateTimer(_ => Fire(key), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        ITimer? former = null;
        _timers.AddOrUpdate(key, timer, (_, known) =>
        {
            former = known;
            return timer;
        });
        former?.Dispose();
        timer.Change(delay, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// Wakes the keys that changes of the cache concern, those of <see cref="CacheSubscription.Start"/> first, until cancelled. On a resync every key
    /// of <paramref name="allKeys"/> is woken.
    /// </summary>
    /// <param name="subscription">What to follow; the caller disposes it.</param>
    /// <param name="keyOf">Null: the change concerns no key of this loop.</param>
    /// <param name="allKeys">All keys that a state holds.</param>
    /// <param name="cancellationToken">Ends the following.</param>
    /// <param name="see">Shown each batch before its keys are woken; null: nobody wants it.</param>
    public async Task FollowAsync(
        CacheSubscription subscription,
        Func<CacheChange, string?> keyOf,
        Func<CacheSnapshot, IEnumerable<string>> allKeys,
        CancellationToken cancellationToken,
        Action<CacheBatch>? see = null)
    {
        foreach (string key in allKeys(subscription.Start)) Wake(key);
        await foreach (var batch in subscription.ReadAllAsync(cancellationToken))
        {
            see?.Invoke(batch);
            var keys = batch.Resync ? allKeys(batch.Snapshot) : batch.Changes.Select(keyOf).OfType<string>();
            foreach (string key in keys) Wake(key);
        }
    }

    /// <summary>Works until cancelled; work under way is waited for.</summary>
    public Task RunAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(Enumerable.Range(0, _options.Workers).Select(_ => Task.Run(() => WorkAsync(cancellationToken), CancellationToken.None)));

    public ValueTask DisposeAsync()
    {
        foreach (var timer in _timers.Values) timer.Dispose();
        _timers.Clear();
        _queue.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            string key;
            try
            {
                key = await _queue.TakeAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await ReconcileAsync(key, cancellationToken);
            _queue.Done(key);
        }
    }

    private async Task ReconcileAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            var outcome = await reconcile(key, cancellationToken);
            _failures.TryRemove(key, out _);
            if (outcome.Again is { } delay) WakeAfter(key, delay);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The daemon ends; the next start looks at every key.
        }
        catch (Exception failure)
        {
            int failures = _failures.AddOrUpdate(key, 1, (_, known) => known + 1);
            var delay = Backoff.Delay(failures, _options.FirstBackoff, _options.LongestBackoff, Random.Shared.NextDouble());
            LogFailure(logger, name, key, delay.TotalSeconds, failure);
            WakeAfter(key, delay);
        }
    }

    private void Fire(string key)
    {
        if (_timers.TryRemove(key, out var timer)) timer.Dispose();
        Wake(key);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Loop}: {Key} failed, tried again in {DelaySeconds:0.0} s")]
    private static partial void LogFailure(ILogger logger, string loop, string key, double delaySeconds, Exception failure);
}
