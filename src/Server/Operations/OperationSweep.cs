using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Store;

namespace Lamina.Server.Operations;

/// <summary>Removes operations that ended long ago. One that has not ended is never removed.</summary>
internal static class OperationSweep
{
    public static async Task<SweepReport> RunAsync(
        IStore store, Cache cache, RetentionBound bound, TimeProvider time, CancellationToken cancellationToken)
    {
        var over = Over(cache.Snapshot, bound, time.GetUtcNow());
        foreach (string[] some in over.Chunk(StoreLimits.Operations))
        {
            var change = new StoreChange("operation.prune");
            foreach (string id in some) change.DeletePrefix(Keys.Operations.All(id));
            await change.CommitAsync(store, time, cancellationToken);
        }

        return SweepReport.Nothing;
    }

    internal static IReadOnlyList<string> Over(CacheSnapshot snapshot, RetentionBound bound, DateTimeOffset now)
    {
        var ended = snapshot.All(Keys.Operations.State)
            .Where(state => ((OperationState?)state.Record).IsEnded())
            .OrderByDescending(state => state.Record.EndedAt)
            .ToArray();
        return [.. ended.Where((state, index) => index >= bound.Count || state.Record.EndedAt < now - bound.Age).Select(state => state.Id)];
    }
}
