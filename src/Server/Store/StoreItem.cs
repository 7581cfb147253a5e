namespace Lamina.Server.Store;

/// <summary>One key with its value, as of a revision.</summary>
/// <param name="Key">UTF-8, at most <see cref="StoreLimits.KeyBytes"/> bytes.</param>
/// <param name="Value">JSON, at most <see cref="StoreLimits.ValueBytes"/> bytes.</param>
/// <param name="CreateRevision">The revision that created the key; a key deleted and made anew has another.</param>
/// <param name="ModRevision">The revision that last wrote it: what an ETag stands for.</param>
/// <param name="LeaseId">The lease it hangs on; 0: none.</param>
internal sealed record StoreItem(string Key, ReadOnlyMemory<byte> Value, long CreateRevision, long ModRevision, long LeaseId = 0);

/// <summary>A part of a list; every page of one list bears the same revision.</summary>
internal sealed record StorePage(long Revision, IReadOnlyList<StoreItem> Items);

/// <summary>How a list is read. <see cref="From"/> is a whole key (inclusive): the first one upward, the last one when descending.</summary>
internal sealed record StoreListOptions
{
    public bool Descending { get; init; }

    /// <summary>Null: from the prefix's edge.</summary>
    public string? From { get; init; }

    /// <summary>Null: all.</summary>
    public int? Limit { get; init; }
}

/// <summary>What one revision changed under the watched prefixes, in no order; without changes it is progress only.</summary>
internal sealed record StoreBatch(long Revision, IReadOnlyList<StoreEvent> Changes);

/// <summary>One changed key. <see cref="Item"/> is null when the key was deleted.</summary>
internal sealed record StoreEvent(string Key, StoreItem? Item);
