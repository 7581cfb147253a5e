using System.Runtime.CompilerServices;
using Lamina.Server.Store;

namespace Lamina.Testing.Store;

/// <summary>A store whose watches keep changes to themselves or break on demand, and which may tell of an older state, as a lagging member would.</summary>
internal sealed class InterruptedStore(IStore store) : IStore
{
    private TaskCompletionSource<Exception> _break = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string StoreId => store.StoreId;

    /// <summary>Released at the beginning of each list.</summary>
    public SemaphoreSlim Listed { get; } = new(0);

    /// <summary>Watches give nothing on.</summary>
    public bool Silent { get; set; }

    /// <summary>Lists pretend to be this much older.</summary>
    public long OlderBy { get; set; }

    /// <summary>Ends the watch under way, or the next one, with this failure; later ones work.</summary>
    public void Break(Exception failure) => _break.SetResult(failure);

    public async IAsyncEnumerable<StorePage> ListAsync(
        IReadOnlyList<string> prefixes,
        StoreListOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Listed.Release();
        await foreach (var page in store.ListAsync(prefixes, options, cancellationToken))
            yield return page with { Revision = page.Revision - OlderBy };
    }

    public async IAsyncEnumerable<StoreBatch> WatchAsync(
        IReadOnlyList<string> prefixes, long afterRevision, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var broken = _break.Task;
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var batches = store.WatchAsync(prefixes, afterRevision, ending.Token).GetAsyncEnumerator(ending.Token);
        while (true)
        {
            var next = batches.MoveNextAsync().AsTask();
            if (await Task.WhenAny(next, broken) == broken)
            {
                await ending.CancelAsync();
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await batches.DisposeAsync();
                _break = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
                throw await broken;
            }

            if (!await next) yield break;
            if (!Silent) yield return batches.Current;
        }
    }

    public ValueTask<StoreResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken = default) =>
        store.CommitAsync(transaction, cancellationToken);

    public ValueTask<StoreItem?> GetAsync(string key, CancellationToken cancellationToken = default) => store.GetAsync(key, cancellationToken);

    public ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken = default) =>
        store.GrantLeaseAsync(timeToLive, cancellationToken);

    public ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken = default) =>
        store.KeepLeaseAliveAsync(leaseId, cancellationToken);

    public ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken = default) =>
        store.RevokeLeaseAsync(leaseId, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
