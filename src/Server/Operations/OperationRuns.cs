using System.Collections.Concurrent;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Operations;

/// <summary>The operations that this daemon carries out now. Passes on requests to cancel them.</summary>
internal sealed class OperationRuns(IStore store, Cache cache, TimeProvider time, ILogger<OperationRuns> logger, string hostId = "")
{
    private readonly ConcurrentDictionary<string, OperationRun> _open = new(StringComparer.Ordinal);

    internal IStore Store { get; } = store;

    /// <summary>Who carries these out.</summary>
    internal string HostId { get; } = hostId;

    internal TimeProvider Time { get; } = time;

    internal ILogger Logger { get; } = logger;

    /// <summary>
    /// Takes an operation in hand and says that it runs. Null: there is no such request in the cache, it has ended, or it is in hand already.
    /// </summary>
    /// <param name="id">The operation.</param>
    /// <param name="cancellable">It can be cancelled from the start.</param>
    public OperationRun? Begin(string id, bool cancellable = false)
    {
        var snapshot = cache.Snapshot;
        if (snapshot.Get(Keys.Operations.Request, id) is not { } request) return null;
        var state = snapshot.Get(Keys.Operations.State, id);
        if (state?.Record.IsEnded() == true || _open.ContainsKey(id)) return null;
        var run = new OperationRun(this, id, request.Record, state, cancellable);
        _open[id] = run;
        // A request to cancel that came between the snapshot and this line.
        if (cache.Snapshot.Get(Keys.Operations.Request, id)?.Record.CancelRequested == true) run.Cancel();
        return run;
    }

    /// <summary>Follows requests to cancel until the daemon ends.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var subscription = cache.Subscribe(Keys.Operations.Request);
        await foreach (var batch in subscription.ReadAllAsync(cancellationToken))
        {
            foreach (var run in _open.Values)
            {
                if (batch.Snapshot.Get(Keys.Operations.Request, run.Id)?.Record.CancelRequested == true) run.Cancel();
            }
        }
    }

    /// <summary>Forgets an ended operation only when the cache knows of the end: it would else be begun again.</summary>
    internal async Task CloseAsync(OperationRun run, long endRevision)
    {
        await cache.WaitForRevisionAsync(endRevision, TimeSpan.FromSeconds(5));
        Close(run);
    }

    internal void Close(OperationRun run) => _open.TryRemove(new KeyValuePair<string, OperationRun>(run.Id, run));
}
