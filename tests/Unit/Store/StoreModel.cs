using System.Text;
using Lamina.Server.Store;

namespace Lamina.Tests.Unit.Store;

/// <summary>What a store must do, said in the simplest way: the judge of the property tests.</summary>
internal sealed class StoreModel(long revision)
{
    /// <summary>The same state, with a history of its own.</summary>
    public StoreModel(StoreModel other)
        : this(other.Revision)
    {
        foreach (var item in other.Items.Values) Items.Add(item.Key, item);
    }

    public SortedDictionary<string, StoreItem> Items { get; } = new(Utf8Order.Instance);

    /// <summary>Every change since the model began.</summary>
    public List<StoreBatch> History { get; } = [];

    public long Revision { get; private set; } = revision;

    public StoreResult Apply(StoreTransaction transaction)
    {
        if (!transaction.Compares.All(Holds))
        {
            return new StoreResult
            {
                Succeeded = false,
                Revision = Revision,
                ElseItems = [.. transaction.ElseKeys.Where(Items.ContainsKey).Select(key => Items[key])],
            };
        }

        var changes = transaction.Writes.SelectMany(Write).ToList();
        if (changes.Count > 0) History.Add(new StoreBatch(++Revision, changes));
        return new StoreResult { Succeeded = true, Revision = Revision };
    }

    private bool Holds(StoreCompare compare)
    {
        var item = Items.GetValueOrDefault(compare.Key);
        return compare switch
        {
            StoreCompare.Exists => item is not null,
            StoreCompare.Absent => item is null,
            StoreCompare.ModRevision mod => item is not null && item.ModRevision == mod.Revision,
            StoreCompare.CreateRevision created => item is not null && item.CreateRevision == created.Revision,
            StoreCompare.Value value => item is not null && item.Value.Span.SequenceEqual(value.Bytes.Span),
            _ => throw new ArgumentOutOfRangeException(nameof(compare)),
        };
    }

    private List<StoreEvent> Write(StoreWrite write)
    {
        switch (write)
        {
            case StoreWrite.Put put:
                long created = Items.GetValueOrDefault(put.Key)?.CreateRevision ?? Revision + 1;
                Items[put.Key] = new StoreItem(put.Key, put.Value, created, Revision + 1, put.LeaseId);
                return [new StoreEvent(put.Key, Items[put.Key])];
            case StoreWrite.Delete delete:
                return Items.Remove(delete.Key) ? [new StoreEvent(delete.Key, null)] : [];
            case StoreWrite.DeletePrefix range:
                string[] keys = [.. Items.Keys.Where(key => key.StartsWith(range.Prefix, StringComparison.Ordinal))];
                foreach (string key in keys) Items.Remove(key);
                return [.. keys.Select(key => new StoreEvent(key, null))];
            default:
                throw new ArgumentOutOfRangeException(nameof(write));
        }
    }

    /// <summary>The order of bytes, as the store promises.</summary>
    private sealed class Utf8Order : IComparer<string>
    {
        public static readonly Utf8Order Instance = new();

        public int Compare(string? left, string? right) =>
            Encoding.UTF8.GetBytes(left!).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(right!));
    }
}
