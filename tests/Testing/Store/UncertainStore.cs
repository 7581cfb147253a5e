using Lamina.Server.Store;

namespace Lamina.Testing.Store;

/// <summary>A store whose answers get lost on demand: the attempt may have been carried out or not, its caller cannot tell.</summary>
internal sealed class UncertainStore(IStore store) : IStore
{
    private readonly Queue<bool> _lost = new();

    public string StoreId => store.StoreId;

    /// <summary>Attempts made so far.</summary>
    public int Attempts { get; private set; }

    /// <summary>The next attempts lose their answer, one for each value: true where it is carried out all the same.</summary>
    public void Lose(params bool[] carriedOut) => Array.ForEach(carriedOut, _lost.Enqueue);

    public async ValueTask<StoreResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken = default)
    {
        Attempts++;
        if (!_lost.TryDequeue(out bool carriedOut)) return await store.CommitAsync(transaction, cancellationToken);
        if (carriedOut) await store.CommitAsync(transaction, cancellationToken);
        throw new StoreOutcomeUnknownException(transaction, "The answer was lost.");
    }

    public ValueTask<StoreItem?> GetAsync(string key, CancellationToken cancellationToken = default) => store.GetAsync(key, cancellationToken);

    public IAsyncEnumerable<StorePage> ListAsync(
        IReadOnlyList<string> prefixes, StoreListOptions? options = null, CancellationToken cancellationToken = default) =>
        store.ListAsync(prefixes, options, cancellationToken);

    public IAsyncEnumerable<StoreBatch> WatchAsync(
        IReadOnlyList<string> prefixes, long afterRevision, CancellationToken cancellationToken = default) =>
        store.WatchAsync(prefixes, afterRevision, cancellationToken);

    public ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken = default) =>
        store.GrantLeaseAsync(timeToLive, cancellationToken);

    public ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken = default) =>
        store.KeepLeaseAliveAsync(leaseId, cancellationToken);

    public ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken = default) =>
        store.RevokeLeaseAsync(leaseId, cancellationToken);

    public ValueTask DisposeAsync() => store.DisposeAsync();
}
