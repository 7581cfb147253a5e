using System.Threading.Channels;
using Lamina.Server.Store;

namespace Lamina.Testing.Store;

/// <summary>A store as one daemon has it, which may be out of its reach for a while, or for good.</summary>
internal sealed class AwayStore(IStore store) : IStore
{
    private readonly Channel<long> _renewals = Channel.CreateUnbounded<long>();
    private readonly TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string StoreId => store.StoreId;

    /// <summary>Nothing but a watch under way comes through.</summary>
    public volatile bool IsAway;

    /// <summary>A lease for each time that one was kept alive.</summary>
    public ChannelReader<long> Renewals => _renewals.Reader;

    /// <summary>Completes when a key was read that was there.</summary>
    public Task Looked => _looked.Task;

    public ValueTask<StoreResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken = default) =>
        Reached().CommitAsync(transaction, cancellationToken);

    public async ValueTask<StoreItem?> GetAsync(string key, CancellationToken cancellationToken = default)
    {
        var item = await Reached().GetAsync(key, cancellationToken);
        if (item is not null) _looked.TrySetResult();
        return item;
    }

    public IAsyncEnumerable<StorePage> ListAsync(
        IReadOnlyList<string> prefixes, StoreListOptions? options = null, CancellationToken cancellationToken = default) =>
        Reached().ListAsync(prefixes, options, cancellationToken);

    public IAsyncEnumerable<StoreBatch> WatchAsync(
        IReadOnlyList<string> prefixes, long afterRevision, CancellationToken cancellationToken = default) =>
        Reached().WatchAsync(prefixes, afterRevision, cancellationToken);

    public ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken = default) =>
        Reached().GrantLeaseAsync(timeToLive, cancellationToken);

    public async ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken = default)
    {
        bool lives = await Reached().KeepLeaseAliveAsync(leaseId, cancellationToken);
        if (lives) _renewals.Writer.TryWrite(leaseId);
        return lives;
    }

    public ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken = default) =>
        Reached().RevokeLeaseAsync(leaseId, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private IStore Reached() => IsAway ? throw new StoreUnavailableException("The store is away.") : store;
}
