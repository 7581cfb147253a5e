namespace Lamina.Server.Store;

/// <summary>
/// The one place where state lives: a flat, ordered map from UTF-8 keys to small values, shared by every daemon of the installation.
/// </summary>
/// <remarks>
/// <para><b>Atomicity.</b> A transaction compares, then writes, as one step: either all of its writes happen at one new revision, or none
/// does. No reader and no watcher ever sees a part of it. Two transactions never interleave.</para>
/// <para><b>Order.</b> Every transaction that changes a key gets the next revision; revisions rise strictly and are never used twice. A result
/// with revision N is given only after N is durable: it survives the death of the process and of the host. Each reader of this store sees
/// N once any later list, get or transaction of this process sees it.</para>
/// <para><b>Outcome.</b> <see cref="CommitAsync"/> either returns a result, or throws <see cref="StoreUnavailableException"/> (nothing
/// was written), or throws <see cref="StoreOutcomeUnknownException"/> (it may have been). The store remembers the nonce of each committed
/// transaction for at least two minutes; the same transaction sent again is never applied twice but answered with the former revision.
/// Sending it again is therefore the competing write that settles an unknown outcome: <see cref="StoreSettlement"/>.</para>
/// <para><b>Watch.</b> A watch from revision N delivers every change after N exactly once, one batch per revision, in order, without gaps,
/// however slow its reader is; when the store no longer holds N, it says so (<see cref="StoreCompactedException"/>) and the caller
/// lists and compares.</para>
/// </remarks>
internal interface IStore : IAsyncDisposable
{
    /// <summary>Names this store's line of revisions: a restored or converted store has another.</summary>
    string StoreId { get; }

    /// <summary>Runs one transaction: see the remarks of the interface.</summary>
    /// <param name="transaction">Refused with <see cref="ArgumentException"/> when it breaks <see cref="StoreLimits"/>.</param>
    /// <param name="cancellationToken">Withdraws a transaction that has not begun; one that has begun is waited for.</param>
    /// <exception cref="StoreUnavailableException">Nothing was written.</exception>
    /// <exception cref="StoreOutcomeUnknownException">It may have been written; never later than 5 s after the call.</exception>
    /// <exception cref="StoreLeaseGoneException">A put names a lease that is no more; nothing was written.</exception>
    ValueTask<StoreResult> CommitAsync(StoreTransaction transaction, CancellationToken cancellationToken = default);

    /// <summary>Reads one key; null when it is absent.</summary>
    ValueTask<StoreItem?> GetAsync(string key, CancellationToken cancellationToken = default);

    /// <summary>
    /// Reads all keys that begin with one of <paramref name="prefixes"/>, in key order per prefix, in pages of at most
    /// <see cref="StoreLimits.PageSize"/>, all at ONE revision, the one named in each page. At least one page is given, an empty one if need be.
    /// </summary>
    /// <param name="prefixes">No prefix of another; the empty string is everything.</param>
    /// <param name="options">Order, first key and limit; null: all keys upward.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    IAsyncEnumerable<StorePage> ListAsync(
        IReadOnlyList<string> prefixes, StoreListOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>
    /// Delivers each revision after <paramref name="afterRevision"/> that changes a key under one of <paramref name="prefixes"/>. A batch
    /// without changes is progress: everything up to its revision has been delivered. Never ends by itself.
    /// </summary>
    /// <exception cref="StoreCompactedException">The changes after that revision are no longer held: list, compare, go on.</exception>
    /// <exception cref="StoreUnavailableException">The store cannot be read; watch again from the last batch's revision.</exception>
    IAsyncEnumerable<StoreBatch> WatchAsync(
        IReadOnlyList<string> prefixes, long afterRevision, CancellationToken cancellationToken = default);

    /// <summary>Grants a lease: keys put with its id are deleted, in one transaction, when it is not kept alive for <paramref name="timeToLive"/>.</summary>
    ValueTask<long> GrantLeaseAsync(TimeSpan timeToLive, CancellationToken cancellationToken = default);

    /// <summary>Gives the lease its whole time again. False: it has expired or was revoked, and its keys are gone.</summary>
    ValueTask<bool> KeepLeaseAliveAsync(long leaseId, CancellationToken cancellationToken = default);

    /// <summary>Ends the lease and deletes its keys now. Unknown leases are no error.</summary>
    ValueTask RevokeLeaseAsync(long leaseId, CancellationToken cancellationToken = default);
}
