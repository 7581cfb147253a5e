using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Lamina.Server.Store;

namespace Lamina.Server;

/// <summary>How long histories are kept, from the configuration.</summary>
internal static class RetentionRules
{
    public static void Register(Sweeper sweeper, RetentionConfiguration? wanted, IStore store, Cache cache, TimeProvider time)
    {
        var events = Bound(wanted?.Events ?? 10_000, wanted?.EventDays ?? 90);
        var audit = Bound(wanted?.AuditEntries ?? 50_000, wanted?.AuditDays ?? 365);
        var operations = Bound(wanted?.Operations ?? 1_000, wanted?.OperationDays ?? 14);
        sweeper.Register("events", cancellation => PruneAsync(store, Keys.Events, events, time, cancellation));
        sweeper.Register("audit", cancellation => PruneAsync(store, Keys.Audit, audit, time, cancellation));
        sweeper.Register("operations", cancellation => OperationSweep.RunAsync(store, cache, operations, time, cancellation));
        sweeper.Register("idempotency keys", cancellation => IdempotencySweep.RunAsync(store, time, cancellation));
    }

    private static RetentionBound Bound(int count, int days) => new(count, TimeSpan.FromDays(days));

    // A history growing old is nothing to report as left behind by a crash.
    private static async Task<SweepReport> PruneAsync(IStore store, RecordKind kind, RetentionBound bound, TimeProvider time, CancellationToken cancellationToken)
    {
        await Retention.PruneAsync(store, kind, bound, time, cancellationToken);
        return SweepReport.Nothing;
    }
}
