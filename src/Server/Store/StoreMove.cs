using Lamina.Server.Store.Etcd;

namespace Lamina.Server.Store;

/// <summary>
/// Moves the store of one host into etcd (decision 19): seal, copy, compare, and the one rename of <c>store.json</c>. Before it the host goes on with
/// SQLite as if nothing had been; after it SQLite stays sealed, and the daemon is to be started anew.
/// </summary>
internal static class StoreMove
{
    /// <param name="store">Refuses writes from now on; again accepts them when this fails.</param>
    /// <param name="access">An etcd without a store of Lamina's.</param>
    /// <param name="time">The clock.</param>
    /// <param name="progress">Told how many keys were copied so far.</param>
    /// <param name="cancellationToken">Ends it before the switch.</param>
    /// <exception cref="StoreRefusedException">etcd is in use.</exception>
    /// <exception cref="StoreUnavailableException">etcd, or the disk, does not answer.</exception>
    public static async Task<StoreCopied> RunAsync(
        SqliteStore store, EtcdAccess access, TimeProvider time, Action<long>? progress = null, CancellationToken cancellationToken = default)
    {
        await using var target = await EtcdStore.OpenAsync(access, time, cancellationToken);
        return await RunAsync(store, target, new StoreDescription(StoreDescription.Etcd, target.StoreId), time, progress, cancellationToken);
    }

    /// <summary>The same into whatever store the description names.</summary>
    internal static async Task<StoreCopied> RunAsync(
        SqliteStore store, IStore target, StoreDescription description, TimeProvider time, Action<long>? progress, CancellationToken cancellationToken)
    {
        await store.SealAsync(cancellationToken);
        try
        {
            var copied = await new StoreCopy(store, target, time).RunAsync(progress, cancellationToken);
            store.Switch(description);
            return copied;
        }
        catch
        {
            store.Unseal();
            throw;
        }
    }
}
