namespace Lamina.Server.Store;

/// <summary>The database of a host that has left it for a cluster's etcd: read once more, to bring along what is in it. By the daemon that holds the folder's lock.</summary>
internal sealed class LeftStore : IDisposable
{
    private readonly SqliteConnections _connections;
    private readonly SqliteReads _reads;

    /// <param name="folder">Of <c>store.json</c>.</param>
    public LeftStore(string folder)
    {
        _connections = new SqliteConnections(SqliteStoreFolder.DatabaseIn(folder));
        _reads = new SqliteReads(_connections);
    }

    /// <summary>Null: there is no such key.</summary>
    public StoreItem? Get(string key) => _reads.Get(key);

    /// <summary>All below a prefix, in the order of keys.</summary>
    public IAsyncEnumerable<StorePage> ListAsync(string prefix, CancellationToken cancellationToken) => _reads.ListAsync([prefix], new StoreListOptions(), cancellationToken);

    public void Dispose() => _connections.Dispose();
}
