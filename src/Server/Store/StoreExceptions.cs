namespace Lamina.Server.Store;

/// <summary>The store cannot be read or written now (disk full, file system read-only, no quorum). Nothing was written. The API answers 503.</summary>
internal sealed class StoreUnavailableException(string message, Exception? cause = null) : IOException(message, cause);

/// <summary>
/// The transaction was sent and its outcome is not known. Until <see cref="StoreSettlement"/> knows it, nobody sends <c>cont</c>, kills or deletes.
/// </summary>
internal sealed class StoreOutcomeUnknownException(StoreTransaction transaction, string message, Exception? cause = null)
    : IOException(message, cause)
{
    public StoreTransaction Transaction { get; } = transaction;
}

/// <summary>The changes asked for are no longer held: list, compare with what is known, watch from the list's revision.</summary>
internal sealed class StoreCompactedException(long oldestRevision)
    : InvalidOperationException($"The store holds changes only from revision {oldestRevision} on.")
{
    /// <summary>The smallest value of <c>afterRevision</c> that a watch may name now.</summary>
    public long OldestRevision { get; } = oldestRevision;
}

/// <summary>A key was to be put under a lease that has expired or was revoked. Nothing was written.</summary>
internal sealed class StoreLeaseGoneException(long leaseId) : InvalidOperationException($"The lease {leaseId} has expired or was revoked.")
{
    public long LeaseId { get; } = leaseId;
}

/// <summary>The store was found unfit at start: nothing was changed. The message says what is wrong, <see cref="Remedy"/> what to do.</summary>
internal sealed class StoreRefusedException(StoreRefusal reason, string message, string remedy, Exception? cause = null)
    : InvalidOperationException($"{message} {remedy}", cause)
{
    public StoreRefusal Reason { get; } = reason;

    public string Remedy { get; } = remedy;
}

/// <summary>Why a store is not opened.</summary>
internal enum StoreRefusal
{
    /// <summary>Another daemon has it open.</summary>
    InUse,

    /// <summary>The file is no store or is damaged.</summary>
    Corrupt,

    /// <summary>A newer Lamina wrote it.</summary>
    Newer,

    /// <summary><c>store.json</c> names a store that is not there.</summary>
    Missing,

    /// <summary>This host is a member of a cluster, whose store is etcd.</summary>
    InCluster,

    /// <summary><c>store.json</c> names a kind of store that this build does not know.</summary>
    UnknownKind,
}
