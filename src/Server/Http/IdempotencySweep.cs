using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Http;

/// <summary>Removes Idempotency-Keys whose 24 h are over.</summary>
internal static class IdempotencySweep
{
    public static async Task<SweepReport> RunAsync(IStore store, TimeProvider time, CancellationToken cancellationToken)
    {
        var over = new List<StoreItem>();
        await foreach (var part in store.ListAsync([Keys.Idempotency.Prefix], null, cancellationToken))
            over.AddRange(part.Items.Where(item => Idempotency.IsOver(RecordJson.Read(item, Keys.Idempotency), time)));
        foreach (var some in over.Chunk(StoreLimits.Operations))
        {
            var change = new StoreChange("idempotency.prune");
            // At this revision only: the same key may just be used anew.
            foreach (var item in some) change.Delete(item.Key, item.ModRevision);
            await change.CommitAsync(store, time, cancellationToken);
        }

        return SweepReport.Nothing;
    }
}
