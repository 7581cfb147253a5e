using Lamina.Server.Store.Etcd;

namespace Lamina.Server.Store;

/// <summary>A daemon's store. Disposing closes it and gives up the lock of its folder, where it was opened from one.</summary>
internal sealed class OpenedStore : IAsyncDisposable
{
    private readonly Func<ValueTask> _close;

    /// <summary>One that its giver shares among daemons, and closes.</summary>
    public OpenedStore(IStore store)
        : this(store, isShared: true, () => ValueTask.CompletedTask)
    {
    }

    internal OpenedStore(IStore store, bool isShared, Func<ValueTask> close)
    {
        Store = store;
        IsShared = isShared;
        _close = close;
    }

    public IStore Store { get; }

    /// <summary>Daemons of other hosts use it too.</summary>
    public bool IsShared { get; }

    public ValueTask DisposeAsync() => _close();
}

/// <summary>Opens the store of a daemon. Which one it is stands in its folder; a member of a cluster never falls back to SQLite (decision 4).</summary>
internal static class StoreOpening
{
    /// <param name="folder">Of <c>store.json</c>.</param>
    /// <param name="access">How the cluster's etcd is reached; null: this host is alone.</param>
    /// <param name="time">The clock.</param>
    /// <param name="loggers">For the store.</param>
    /// <param name="cancellationToken">Ends the opening.</param>
    /// <exception cref="StoreRefusedException">In use, damaged, newer, missing: says what to do. Nothing was changed.</exception>
    /// <exception cref="StoreUnavailableException">etcd does not answer now.</exception>
    public static async Task<OpenedStore> OpenAsync(
        string folder, EtcdAccess? access, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellationToken = default)
    {
        if (access is null)
        {
            var alone = SqliteStore.Open(folder, time, loggers.CreateLogger<SqliteStore>());
            return new OpenedStore(alone, isShared: false, alone.DisposeAsync);
        }

        var locked = StoreFolder.Lock(folder);
        try
        {
            var shared = await OpenEtcdAsync(locked, access, time, cancellationToken);
            return new OpenedStore(shared, isShared: true, async () =>
            {
                await shared.DisposeAsync();
                locked.Dispose();
            });
        }
        catch
        {
            locked.Dispose();
            throw;
        }
    }

    private static async Task<EtcdStore> OpenEtcdAsync(StoreFolder folder, EtcdAccess access, TimeProvider time, CancellationToken cancellationToken)
    {
        if (StoreFolder.Read(folder.Path) is not { Kind: StoreDescription.Etcd } description) throw new StoreRefusedException(
            StoreRefusal.Missing, $"{folder.DescriptionFile} does not name the cluster's etcd.", "Put it back, or let this host join the cluster again.");
        var store = await EtcdStore.OpenAsync(access, time, cancellationToken);
        try
        {
            if (ClusterOf(description.StoreId) != ClusterOf(store.StoreId)) throw new StoreRefusedException(
                StoreRefusal.Missing,
                $"{folder.DescriptionFile} names the etcd cluster {ClusterOf(description.StoreId)}, but at {string.Join(", ", access.Endpoints)} is {ClusterOf(store.StoreId)}.",
                "A store that was recovered is another one: a host finds it by itself when a member of it answers. Is one reachable? Else do again: laminad cluster-recover");
            await StoreCopy.FinishAsync(store, time, cancellationToken);
            // A restore has begun another generation of the same cluster.
            if (description.StoreId != store.StoreId) StoreFolder.Write(folder.Path, description with { StoreId = store.StoreId });
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    private static string ClusterOf(string storeId) => storeId.Split('.')[0];
}
