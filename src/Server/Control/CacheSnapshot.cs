using System.Collections.Immutable;
using Lamina.Api;

namespace Lamina.Server.Control;

/// <summary>All cached records as of one revision. Immutable: a decision that takes it sees one consistent state.</summary>
internal sealed class CacheSnapshot
{
    private readonly ImmutableDictionary<RecordKind, ImmutableSortedDictionary<string, CachedRecord>> _tables;

    internal CacheSnapshot(long revision, ImmutableDictionary<RecordKind, ImmutableSortedDictionary<string, CachedRecord>> tables)
    {
        Revision = revision;
        _tables = tables;
    }

    public long Revision { get; }

    /// <summary>Null when there is no such record.</summary>
    public CachedRecord<T>? Get<T>(RecordKind<T> kind, string id)
        where T : StoredRecord => (CachedRecord<T>?)Table(kind).GetValueOrDefault(id);

    /// <summary>In the order of ids.</summary>
    public IEnumerable<CachedRecord<T>> All<T>(RecordKind<T> kind)
        where T : StoredRecord => Table(kind).Values.Cast<CachedRecord<T>>();

    /// <summary>In the order of ids, type known at run time only.</summary>
    public IEnumerable<CachedRecord> AllOf(RecordKind kind) => Table(kind).Values;

    public int Count(RecordKind kind) => Table(kind).Count;

    internal ImmutableSortedDictionary<string, CachedRecord> Table(RecordKind kind) =>
        _tables.TryGetValue(kind, out var table) ? table : throw new ArgumentException($"Records of {kind} are not cached.", nameof(kind));

    /// <summary>The state after a batch. Changes whose record is unchanged in the tables are harmless.</summary>
    internal CacheSnapshot With(long revision, IReadOnlyList<CacheChange> changes)
    {
        var tables = _tables;
        foreach (var group in changes.GroupBy(change => change.Kind))
        {
            var table = tables[group.Key].ToBuilder();
            foreach (var change in group)
            {
                if (change.After is null) table.Remove(change.Id);
                else table[change.Id] = change.After;
            }

            tables = tables.SetItem(group.Key, table.ToImmutable());
        }

        return new CacheSnapshot(revision, tables);
    }

    internal static CacheSnapshot Empty(IReadOnlyList<RecordKind> kinds) => new(
        0,
        kinds.ToImmutableDictionary(
            kind => kind,
            _ => ImmutableSortedDictionary.Create<string, CachedRecord>(StringComparer.Ordinal)));
}
