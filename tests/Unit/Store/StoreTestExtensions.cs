using System.Text;
using Lamina.Server.Store;

namespace Lamina.Tests.Unit.Store;

/// <summary>Short forms for tests.</summary>
internal static class StoreTestExtensions
{
    /// <summary>How long a test waits for what must come.</summary>
    public static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    public static byte[] Json(string text) => Encoding.UTF8.GetBytes(text);

    public static StoreWrite.Put Put(string key, string value, long leaseId = 0) => new(key, Json(value), leaseId);

    public static ValueTask<StoreResult> CommitAsync(this IStore store, params StoreWrite[] writes) =>
        store.CommitAsync(new StoreTransaction { Writes = writes });

    public static async Task<long> PutAsync(this IStore store, string key, string value) =>
        (await store.CommitAsync(Put(key, value))).Revision;

    public static async Task<List<StoreItem>> AllAsync(this IStore store, string prefix = "", StoreListOptions? options = null)
    {
        var items = new List<StoreItem>();
        await foreach (var page in store.ListAsync([prefix], options)) items.AddRange(page.Items);
        return items;
    }

    /// <summary>Watches until progress has reached a revision; the batches without changes are left out.</summary>
    public static async Task<List<StoreBatch>> WatchUntilAsync(this IStore store, long after, long until, params string[] prefixes)
    {
        using var deadline = new CancellationTokenSource(Deadline);
        var batches = new List<StoreBatch>();
        await foreach (var batch in store.WatchAsync(prefixes.Length == 0 ? [""] : prefixes, after, deadline.Token))
        {
            if (batch.Changes.Count > 0) batches.Add(batch);
            if (batch.Revision >= until) break;
        }

        return batches;
    }
}
