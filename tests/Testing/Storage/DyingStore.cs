using Lamina.Server.Store;

namespace Lamina.Testing.Storage;

/// <summary>
/// A store that is gone for good from the moment at which a key would be written: to the daemon's records that is its death just before this
/// commit.
/// </summary>
/// <param name="store">What is really there.</param>
/// <param name="suffix">How the key ends.</param>
/// <param name="prefix">How it begins.</param>
internal sealed class DyingStore(IStore store, string suffix, string prefix) : IStore
{
    private readonly TaskCompletionSource _died = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the key was about to be written.</summary>
    public Task Died => _died.Task.WaitAsync(TimeSpan.FromMinutes(1));

    public string StoreId => store.StoreId;

    public ValueTask<StoreResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken = default)
    {
        var fatal = transaction.Writes.OfType<StoreWrite.Put>()
            .Any(put => put.Key.StartsWith(prefix, StringComparison.Ordinal) && put.Key.EndsWith(suffix, StringComparison.Ordinal));
        if (fatal) _died.TrySetResult();
        return _died.Task.IsCompleted ? throw new StoreUnavailableException("The store is gone.") : store.CommitAsync(transaction, cancellationToken);
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

    public ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken = default) => store.RevokeLeaseAsync(leaseId, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
