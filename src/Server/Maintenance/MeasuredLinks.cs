using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Maintenance.Plan;
using Lamina.Server.Migration;

namespace Lamina.Server.Maintenance;

/// <summary>What the hosts' links have carried, by the migrations that the store still knows (pure).</summary>
internal static class MeasuredLinks
{
    /// <summary>Of less than this the beginning and the end take most of the time.</summary>
    private const long LeastBytes = 16L << 20;

    public static EvacuationLinks Read(CacheSnapshot snapshot)
    {
        var links = new EvacuationLinks();
        foreach (var request in snapshot.All(Keys.Operations.Request).Where(request => request.Record.Kind == Migrations.Operation).OrderBy(request => request.Id, StringComparer.Ordinal))
        {
            if (snapshot.Get(Keys.Operations.State, request.Id)?.Record is not { Phase: OperationPhase.Succeeded, Result: { } result }) continue;
            long bytes = (long?)result["transferredBytes"] ?? 0;
            long elapsed = (long?)result["elapsedMs"] ?? 0;
            if (bytes < LeastBytes || elapsed <= 0) continue;
            foreach (string host in new[] { request.Record.Host, (string?)request.Record.Parameters?["to"] }.OfType<string>())
                links = links with { Hosts = links.Hosts.SetItem(host, links.Of(host).With(1, bytes * 1000.0 / elapsed)) };
        }

        return links;
    }

    /// <summary>What goes between two hosts; null: neither was measured.</summary>
    public static double? Between(EvacuationLinks links, string from, string to) =>
        (links.Of(from).BestBytesPerSecond, links.Of(to).BestBytesPerSecond) switch
        {
            ({ } one, { } other) => Math.Min(one, other),
            var (one, other) => one ?? other,
        };
}
