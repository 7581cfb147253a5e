using System.Threading.Channels;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Http;

/// <summary>
/// Reads the cache once for all who watch: what changes within a short while becomes one <see cref="WatchTick"/>, in which each object is written as JSON
/// once, however many clients follow it. Works only while somebody watches.
/// </summary>
/// <param name="services">The cache and the clock.</param>
/// <param name="kinds">All that can be watched.</param>
/// <param name="gather">The first change after a rest goes out at once; those of this time after it go together.</param>
internal sealed class WatchHub(ApiServices services, IReadOnlyList<WatchKind> kinds, TimeSpan gather)
{
    /// <summary>Ticks that a watcher may lag behind before it is told to begin anew.</summary>
    public const int Capacity = 128;

    private readonly Lock _gate = new();
    private readonly List<Watcher> _watchers = [];
    /// <summary>From the first watcher until a change comes that nobody waits for.</summary>
    private CacheSubscription? _reading;

    /// <summary>Begins to watch: the state to begin with, and then each tick after it.</summary>
    public Watcher Join()
    {
        lock (_gate)
        {
            _reading ??= Begin();
            // As new as can be, so that who has written sees it from the beginning; ticks of what it holds already are left out.
            var watcher = new Watcher(services.Cache.Snapshot, Leave);
            _watchers.Add(watcher);
            return watcher;
        }
    }

    /// <summary>An object as it is in a snapshot.</summary>
    public WatchedObject Show(WatchKind kind, string id, CacheSnapshot snapshot)
    {
        var view = kind.View(snapshot, id);
        var change = new WatchChange
        {
            Action = view is null ? WatchAction.Delete : WatchAction.Put, Revision = RevisionText(snapshot), Kind = kind.Name, Id = id, Object = view?.Object,
        };
        return new WatchedObject(kind, id, view?.Project, view is not null, EventOf(change));
    }

    /// <summary>For one who may no longer see it: as if it were gone.</summary>
    public ReadOnlyMemory<byte> Hide(WatchedObject seen, CacheSnapshot snapshot) =>
        EventOf(new WatchChange { Action = WatchAction.Delete, Revision = RevisionText(snapshot), Kind = seen.Kind.Name, Id = seen.Id });

    /// <summary>The word that concerns no object.</summary>
    public ReadOnlyMemory<byte> EventOf(WatchAction action, CacheSnapshot snapshot) => EventOf(new WatchChange { Action = action, Revision = RevisionText(snapshot) });

    private static ReadOnlyMemory<byte> EventOf(WatchChange change) => EventStreamWriter.Format(change.Revision, null, change, ApiJson.Default.WatchChange);

    private string RevisionText(CacheSnapshot snapshot) => new StoreRevision(services.Store.StoreId, snapshot.Revision).ToString();

    private CacheSubscription Begin()
    {
        var reading = services.Cache.Subscribe([.. kinds.SelectMany(kind => kind.Records).Distinct(), Keys.Sessions]);
        _ = Task.Run(() => RunAsync(reading));
        return reading;
    }

    private async Task RunAsync(CacheSubscription reading)
    {
        using var ending = reading;
        try
        {
            while (await reading.ReadWaitingAsync(services.Stopping) is { Count: > 0 } batches && Deliver(TickOf(batches)))
                await Task.Delay(gather, services.Time, services.Stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            End(reading, null);
        }
        catch (Exception failure)
        {
            // Each watcher's request fails by it, which says so in the log; the clients begin anew.
            End(reading, failure);
        }
    }

    private void End(CacheSubscription reading, Exception? failure)
    {
        lock (_gate)
        {
            // Another one may have begun when nobody watched this one.
            if (_reading != reading) return;
            _reading = null;
            _watchers.ForEach(watcher => watcher.End(failure));
            _watchers.Clear();
        }
    }

    /// <summary>False: nobody watches any more.</summary>
    private bool Deliver(WatchTick tick)
    {
        lock (_gate)
        {
            if (_watchers.Count == 0)
            {
                _reading = null;
                return false;
            }

            _watchers.ForEach(watcher => watcher.Offer(tick));
            return true;
        }
    }

    private WatchTick TickOf(IReadOnlyList<CacheBatch> batches)
    {
        var snapshot = batches[^1].Snapshot;
        if (batches.Any(batch => batch.Resync)) return new WatchTick(snapshot, [], Resync: true);
        var touched = batches
            .SelectMany(batch => batch.Changes)
            .SelectMany(change => kinds.Where(kind => kind.Records.Contains(change.Kind)).Select(kind => (kind, id: change.Kind.ObjectOf(change.Id))))
            .Distinct();
        return new WatchTick(snapshot, [.. touched.Select(one => Show(one.kind, one.id, snapshot))], Resync: false);
    }

    private void Leave(Watcher watcher)
    {
        lock (_gate) _watchers.Remove(watcher);
    }

    /// <summary>One client's line of ticks.</summary>
    internal sealed class Watcher : IDisposable
    {
        private readonly Action<Watcher> _leave;
        private readonly Channel<WatchTick> _ticks = Channel.CreateBounded<WatchTick>(new BoundedChannelOptions(Capacity) { SingleWriter = true });

        internal Watcher(CacheSnapshot start, Action<Watcher> leave) => (Start, _leave) = (start, leave);

        public CacheSnapshot Start { get; }

        public IAsyncEnumerable<WatchTick> ReadAllAsync(CancellationToken cancellationToken) => _ticks.Reader.ReadAllAsync(cancellationToken);

        public void Dispose() => _leave(this);

        internal void End(Exception? failure) => _ticks.Writer.TryComplete(failure);

        internal void Offer(WatchTick tick)
        {
            if (tick.Snapshot.Revision <= Start.Revision || _ticks.Writer.TryWrite(tick)) return;
            while (_ticks.Reader.TryRead(out _))
            {
            }

            _ticks.Writer.TryWrite(tick with { Objects = [], Resync = true });
        }
    }
}

/// <summary>What changed for those who watch.</summary>
/// <param name="Snapshot">The state after it.</param>
/// <param name="Objects">Each object that was touched, once.</param>
/// <param name="Resync">Changes were lost: all of <see cref="Snapshot"/> counts.</param>
internal sealed record WatchTick(CacheSnapshot Snapshot, IReadOnlyList<WatchedObject> Objects, bool Resync);

/// <summary>One object as everyone gets it who may see it.</summary>
/// <param name="Kind">Whose permission is needed.</param>
/// <param name="Id">Of the object.</param>
/// <param name="Project">Null: of the whole installation, or it is gone.</param>
/// <param name="Exists">False: it is gone.</param>
/// <param name="Event">The server-sent event.</param>
internal sealed record WatchedObject(WatchKind Kind, string Id, string? Project, bool Exists, ReadOnlyMemory<byte> Event);
