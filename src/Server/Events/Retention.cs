using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Events;

/// <summary>How much of a history is kept; whichever bound is met first.</summary>
internal sealed record RetentionBound(int Count, TimeSpan Age);

/// <summary>Prunes a history whose ids are in the order of time.</summary>
internal static class Retention
{
    /// <summary>Deletes the oldest entries beyond the bound, in transactions of their own.</summary>
    /// <returns>How many.</returns>
    public static async Task<int> PruneAsync(IStore store, RecordKind kind, RetentionBound bound, TimeProvider time, CancellationToken cancellationToken)
    {
        var ids = new List<string>();
        await foreach (var part in store.ListAsync([kind.Prefix], null, cancellationToken))
            ids.AddRange(part.Items.Select(item => kind.IdOf(item.Key)).OfType<string>());
        var over = Over(ids, bound, time.GetUtcNow());
        foreach (string[] some in over.Chunk(StoreLimits.Operations))
        {
            var change = new StoreChange("history.prune");
            foreach (string id in some) change.Delete(kind[id]);
            await change.CommitAsync(store, time, cancellationToken);
        }

        return over.Count;
    }

    /// <param name="ids">In the order of time (<see cref="TimeOrderedId"/>).</param>
    /// <param name="bound">What is kept.</param>
    /// <param name="now">The time.</param>
    internal static IReadOnlyList<string> Over(IReadOnlyList<string> ids, RetentionBound bound, DateTimeOffset now)
    {
        string edge = TimeOrderedId.EdgeAt(now - bound.Age);
        int tooMany = ids.Count - bound.Count;
        return [.. ids.Where((id, index) => index < tooMany || string.CompareOrdinal(id, edge) < 0)];
    }
}
