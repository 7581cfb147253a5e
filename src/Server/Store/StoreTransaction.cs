namespace Lamina.Server.Store;

/// <summary>
/// If every compare holds, do every write, at one revision; else change nothing and give the keys in <see cref="ElseKeys"/> back. No key is
/// written twice in one transaction (etcd refuses that, so does every store).
/// </summary>
internal sealed record StoreTransaction
{
    /// <summary>Identifies this transaction for ever: sent twice, it is applied once.</summary>
    public Guid Nonce { get; init; } = Guid.CreateVersion7();

    public IReadOnlyList<StoreCompare> Compares { get; init; } = [];

    public IReadOnlyList<StoreWrite> Writes { get; init; } = [];

    /// <summary>Read at the moment of the refusal; absent keys are left out of the result.</summary>
    public IReadOnlyList<string> ElseKeys { get; init; } = [];
}

/// <summary>One condition on one key.</summary>
internal abstract record StoreCompare(string Key)
{
    public sealed record Exists(string Key) : StoreCompare(Key);

    public sealed record Absent(string Key) : StoreCompare(Key);

    /// <summary>The key exists and was last written by exactly this revision.</summary>
    public sealed record ModRevision(string Key, long Revision) : StoreCompare(Key);

    /// <summary>The key exists and was created by exactly this revision.</summary>
    public sealed record CreateRevision(string Key, long Revision) : StoreCompare(Key);

    /// <summary>The key exists and its bytes are equal to these.</summary>
    public sealed record Value(string Key, ReadOnlyMemory<byte> Bytes) : StoreCompare(Key);
}

/// <summary>One write of a transaction.</summary>
internal abstract record StoreWrite
{
    /// <summary>Creates or replaces the key. Lease 0: none; a replaced key leaves its former lease.</summary>
    public sealed record Put(string Key, ReadOnlyMemory<byte> Value, long LeaseId = 0) : StoreWrite;

    /// <summary>Deletes the key; an absent one is no error.</summary>
    public sealed record Delete(string Key) : StoreWrite;

    /// <summary>Deletes all keys with this prefix (never empty).</summary>
    public sealed record DeletePrefix(string Prefix) : StoreWrite;
}

/// <summary>The known outcome of a transaction.</summary>
internal sealed record StoreResult
{
    public required bool Succeeded { get; init; }

    /// <summary>Succeeded: the revision of the writes. Else: the revision at which the compares failed.</summary>
    public required long Revision { get; init; }

    /// <summary>When refused: those of <see cref="StoreTransaction.ElseKeys"/> that exist.</summary>
    public IReadOnlyList<StoreItem> ElseItems { get; init; } = [];
}
