using System.Diagnostics.CodeAnalysis;
using Lamina.Api;

namespace Lamina.Server.Control;

/// <summary>One record created (no <see cref="Before"/>), changed, or deleted (no <see cref="After"/>).</summary>
internal sealed record CacheChange(RecordKind Kind, string Id, CachedRecord? Before, CachedRecord? After)
{
    /// <summary>True when the change is of this kind; both states are then given with their type.</summary>
    public bool Is<T>(RecordKind<T> kind, out CachedRecord<T>? before, out CachedRecord<T>? after)
        where T : StoredRecord
    {
        bool same = ReferenceEquals(kind, Kind);
        before = same ? (CachedRecord<T>?)Before : null;
        after = same ? (CachedRecord<T>?)After : null;
        return same;
    }
}

/// <summary>What a subscriber reads: the changes that led to <see cref="Snapshot"/>, or, with <see cref="Resync"/>, the request to start anew from it.</summary>
internal sealed record CacheBatch
{
    /// <summary>The state after the changes.</summary>
    public required CacheSnapshot Snapshot { get; init; }

    public IReadOnlyList<CacheChange> Changes { get; init; } = [];

    /// <summary>The subscriber fell behind and batches were dropped: compare all of <see cref="Snapshot"/> with what is known.</summary>
    public bool Resync { get; init; }

    public long Revision => Snapshot.Revision;
}
