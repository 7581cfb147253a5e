using System.Collections.Immutable;
using Lamina.Server.Store;

namespace Lamina.Server.Control;

/// <summary>
/// The daemon's mirror of the store: immutable snapshots, each of one revision, fed by one watch. Reads never wait for the store; a read
/// that must see its own write waits for that revision first (decision 15). Secrets never come here.
/// </summary>
/// <param name="store">What it mirrors.</param>
/// <param name="kinds">What of it: <see cref="Keys.Cached"/>.</param>
/// <param name="time">The clock of waits and retries.</param>
/// <param name="logger">Told of unreadable records and of a store that is away.</param>
internal sealed partial class Cache(IStore store, IReadOnlyList<RecordKind> kinds, TimeProvider time, ILogger<Cache> logger) : IAsyncDisposable
{
    /// <summary>Batches that a subscriber may lag behind before it is told to resync.</summary>
    public const int SubscriptionCapacity = 256;

    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(1);

    private readonly string[] _prefixes = [.. kinds.Select(kind => kind.Prefix).Distinct(StringComparer.Ordinal)];
    private readonly Lock _gate = new();
    private readonly List<CacheSubscription> _subscriptions = [];
    private readonly CancellationTokenSource _stop = new();
    private TaskCompletionSource _advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CacheSnapshot _snapshot = CacheSnapshot.Empty(kinds);
    private volatile bool _stale;
    private Task? _following;

    /// <summary>The newest state known. Take it once per decision.</summary>
    public CacheSnapshot Snapshot => Volatile.Read(ref _snapshot);

    public long Revision => Snapshot.Revision;

    /// <summary>The store cannot be followed now: what is read may be old, and answers say so (decision 16).</summary>
    public bool IsStale => _stale;

    /// <summary>Reads everything once, then follows the store in the background.</summary>
    /// <exception cref="StoreUnavailableException">The first reading failed.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await ListAsync(cancellationToken);
        _following = Task.Run(() => FollowAsync(_stop.Token), CancellationToken.None);
    }

    /// <summary>Waits until the snapshot is of this revision or a later one. False: not within the timeout.</summary>
    public async ValueTask<bool> WaitForRevisionAsync(long revision, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        long began = time.GetTimestamp();
        while (true)
        {
            Task advanced;
            lock (_gate)
            {
                if (_snapshot.Revision >= revision) return true;
                advanced = _advanced.Task;
            }

            var left = timeout - time.GetElapsedTime(began);
            if (left <= TimeSpan.Zero) return false;
            try
            {
                await advanced.WaitAsync(left, time, cancellationToken);
            }
            catch (TimeoutException)
            {
                return Revision >= revision;
            }
        }
    }

    /// <summary>Follows changes of some kinds, from the state in <see cref="CacheSubscription.Start"/> on.</summary>
    public CacheSubscription Subscribe(params IReadOnlyList<RecordKind> wanted)
    {
        lock (_gate)
        {
            var subscription = new CacheSubscription(_snapshot, wanted, SubscriptionCapacity, Leave);
            if (_stop.IsCancellationRequested) subscription.End();
            else _subscriptions.Add(subscription);
            return subscription;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_following is not null) await _following;
        lock (_gate)
        {
            foreach (var subscription in _subscriptions) subscription.End();
            _subscriptions.Clear();
        }

        _stop.Dispose();
    }

    private void Leave(CacheSubscription subscription)
    {
        lock (_gate) _subscriptions.Remove(subscription);
        subscription.End();
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        bool mustList = false;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                if (mustList) await ListAsync(cancellationToken);
                mustList = false;
                _stale = false;
                await foreach (var batch in store.WatchAsync(_prefixes, Revision, cancellationToken)) Apply(batch);
            }
            catch (StoreCompactedException)
            {
                mustList = true;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                // What went on meanwhile is not known: only a whole reading ends the doubt.
                _stale = true;
                mustList = true;
                LogStale(logger, failure);
                await Task.Delay(RetryPause, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <summary>Reads everything at one revision and publishes the difference to what was known as one batch.</summary>
    private async Task ListAsync(CancellationToken cancellationToken)
    {
        var before = Snapshot;
        var changes = new List<CacheChange>();
        var seen = kinds.ToDictionary(kind => kind, _ => new HashSet<string>(StringComparer.Ordinal));
        long revision = 0;
        await foreach (var page in store.ListAsync(_prefixes, null, cancellationToken))
        {
            revision = page.Revision;
            foreach (var item in page.Items)
            {
                if (KindOf(item.Key, out string id) is not { } kind) continue;
                seen[kind].Add(id);
                var known = before.Table(kind).GetValueOrDefault(id);
                if (known?.ModRevision != item.ModRevision && Read(kind, id, item) is { } record)
                    changes.Add(new CacheChange(kind, id, known, record));
            }
        }

        foreach (var (kind, ids) in seen)
        {
            changes.AddRange(before.AllOf(kind)
                .Where(known => !ids.Contains(known.Id))
                .Select(known => new CacheChange(kind, known.Id, known, null)));
        }

        Publish(revision, changes);
    }

    private void Apply(StoreBatch batch)
    {
        var before = Snapshot;
        var changes = new List<CacheChange>(batch.Changes.Count);
        foreach (var change in batch.Changes)
        {
            if (KindOf(change.Key, out string id) is not { } kind) continue;
            var known = before.Table(kind).GetValueOrDefault(id);
            var record = change.Item is null ? null : Read(kind, id, change.Item);
            if (record is not null || (change.Item is null && known is not null)) changes.Add(new CacheChange(kind, id, known, record));
        }

        Publish(batch.Revision, changes);
    }

    /// <summary>The one place where the state moves, and only forward: an older revision (a stale member, a restored store) is refused.</summary>
    private void Publish(long revision, IReadOnlyList<CacheChange> changes)
    {
        TaskCompletionSource advanced;
        lock (_gate)
        {
            if (revision < _snapshot.Revision) throw new InvalidDataException(
                $"The store gave revision {revision} after {_snapshot.Revision}: an older state is refused.");
            var next = _snapshot.With(revision, changes);
            Volatile.Write(ref _snapshot, next);
            advanced = _advanced;
            _advanced = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var published = new CacheBatch { Snapshot = next, Changes = changes };
            if (changes.Count > 0) _subscriptions.ForEach(subscription => subscription.Offer(published));
        }

        advanced.SetResult();
    }

    private RecordKind? KindOf(string key, out string id)
    {
        foreach (var kind in kinds)
        {
            if (kind.IdOf(key) is not { } found) continue;
            id = found;
            return kind;
        }

        id = "";
        return null;
    }

    /// <summary>An unreadable record is said to be so and stays as it was last known: a lost record kills nothing (decision 6).</summary>
    private CachedRecord? Read(RecordKind kind, string id, StoreItem item)
    {
        try
        {
            return kind.Wrap(id, kind.ReadRecord(item.Key, item.Value.Span), item.ModRevision, item.CreateRevision);
        }
        catch (InvalidDataException problem)
        {
            LogUnreadable(logger, item.Key, problem);
            return null;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The store cannot be followed; reads are marked stale until it can")]
    private static partial void LogStale(ILogger logger, Exception failure);

    [LoggerMessage(Level = LogLevel.Error, Message = "The record {Key} cannot be read and is left out")]
    private static partial void LogUnreadable(ILogger logger, string key, Exception problem);
}
