using Lamina.Server.Store;

namespace Lamina.Server.Control;

internal enum ConflictKind
{
    /// <summary>Must not exist, and does.</summary>
    AlreadyExists,

    /// <summary>Must exist, and does not.</summary>
    Missing,

    /// <summary>Exists, but was written (or made anew) by somebody else meanwhile.</summary>
    Changed,
}

/// <summary>One requirement of a change that did not hold.</summary>
/// <param name="Key">The key concerned.</param>
/// <param name="Kind">In which way.</param>
/// <param name="Current">What is there; null when missing.</param>
internal sealed record StoreConflict(string Key, ConflictKind Kind, StoreItem? Current);

/// <summary>The known outcome of a <see cref="StoreChange"/>: written at a revision, or every requirement that did not hold.</summary>
internal sealed record CommitResult
{
    public required long Revision { get; init; }

    /// <summary>Empty: the change was written.</summary>
    public IReadOnlyList<StoreConflict> Conflicts { get; init; } = [];

    public bool Succeeded => Conflicts.Count == 0;

    public StoreConflict? ConflictAt(string key) => Conflicts.FirstOrDefault(conflict => conflict.Key == key);

    internal static CommitResult From(StoreTransaction transaction, StoreResult result)
    {
        if (result.Succeeded) return new CommitResult { Revision = result.Revision };
        var found = result.ElseItems.ToDictionary(item => item.Key, StringComparer.Ordinal);
        var conflicts = transaction.Compares
            .Select(compare => ConflictOf(compare, found.GetValueOrDefault(compare.Key)))
            .OfType<StoreConflict>()
            .ToArray();
        return new CommitResult { Revision = result.Revision, Conflicts = conflicts };
    }

    private static StoreConflict? ConflictOf(StoreCompare compare, StoreItem? item) => compare switch
    {
        StoreCompare.Absent => item is null ? null : new StoreConflict(compare.Key, ConflictKind.AlreadyExists, item),
        _ when item is null => new StoreConflict(compare.Key, ConflictKind.Missing, null),
        StoreCompare.Exists => null,
        StoreCompare.ModRevision mod when mod.Revision == item.ModRevision => null,
        StoreCompare.CreateRevision created when created.Revision == item.CreateRevision => null,
        StoreCompare.Value value when value.Bytes.Span.SequenceEqual(item.Value.Span) => null,
        _ => new StoreConflict(compare.Key, ConflictKind.Changed, item),
    };
}
