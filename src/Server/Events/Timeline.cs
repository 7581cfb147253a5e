using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Store;

namespace Lamina.Server.Events;

/// <summary>Reads records whose ids are in the order of time; they are too many for the cache.</summary>
internal static class Timeline
{
    /// <summary>The oldest entries after the cursor, oldest first.</summary>
    public static async Task<Page<T>> PageAsync<T>(
        IStore store, RecordKind<T> kind, PageRequest page, Func<T, bool> wanted, CancellationToken cancellationToken)
        where T : StoredRecord
    {
        var found = new List<(string Id, T Record)>();
        await foreach (var entry in ReadAsync(store, kind, After(kind, page.After), cancellationToken))
        {
            if (!wanted(entry.Record)) continue;
            if (found.Count == page.Limit) return new Page<T> { Items = Records(found), Next = PageRequest.Encode(found[^1].Id) };
            found.Add(entry);
        }

        return new Page<T> { Items = Records(found) };
    }

    /// <summary>The newest entries, oldest of them first.</summary>
    public static async Task<IReadOnlyList<T>> TailAsync<T>(
        IStore store, RecordKind<T> kind, int count, Func<T, bool> wanted, CancellationToken cancellationToken)
        where T : StoredRecord
    {
        var found = new List<T>();
        if (count == 0) return found;
        await foreach (var (_, record) in ReadAsync(store, kind, new StoreListOptions { Descending = true }, cancellationToken))
        {
            if (wanted(record)) found.Add(record);
            if (found.Count == count) break;
        }

        found.Reverse();
        return found;
    }

    /// <summary>From the first key after an id on: "!" sorts before every character of an id.</summary>
    public static StoreListOptions After(RecordKind kind, string? id) => new() { From = id is null ? null : kind[id] + "!" };

    public static async IAsyncEnumerable<(string Id, T Record)> ReadAsync<T>(
        IStore store, RecordKind<T> kind, StoreListOptions options, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        where T : StoredRecord
    {
        await foreach (var part in store.ListAsync([kind.Prefix], options, cancellationToken))
        {
            foreach (var item in part.Items) yield return (kind.IdOf(item.Key)!, RecordJson.Read(item, kind));
        }
    }

    private static T[] Records<T>(List<(string Id, T Record)> found) => [.. found.Select(entry => entry.Record)];
}
