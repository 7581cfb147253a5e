using System.Collections.Immutable;

namespace Lamina.Server.Maintenance.Plan;

/// <summary>What is known of the hosts' links; by id of the host.</summary>
internal sealed record EvacuationLinks
{
    public ImmutableDictionary<string, LinkExperience> Hosts { get; init; } = ImmutableDictionary<string, LinkExperience>.Empty;

    public LinkExperience Of(string host) => Hosts.GetValueOrDefault(host, LinkExperience.None);

    /// <summary>Learns from what is under way. Only a host all of whose streams are settled tells something.</summary>
    public EvacuationLinks Observe(IReadOnlyList<Passage> passages)
    {
        var hosts = Hosts;
        foreach (string host in passages.SelectMany(passage => new[] { passage.From, passage.To }).Distinct())
        {
            var own = passages.Where(passage => passage.From == host || passage.To == host).ToList();
            if (own.All(passage => passage.IsSettled)) hosts = hosts.SetItem(host, Of(host).With(own.Count, own.Sum(passage => passage.BytesPerSecond)));
        }

        return this with { Hosts = hosts };
    }
}

/// <summary>
/// Which migrations to begin now, so that all of them are over soonest (pure). The links are what is short: as many streams as it takes to fill them, and no more,
/// for a guest that writes sends the more the longer it is on its way. Hosts that share no link do not wait for each other, and the next one is made ready while the last
/// one switches, so that the link is never idle.
/// </summary>
internal static class EvacuationPlan
{
    /// <summary>The VMs to begin with now, in this order.</summary>
    /// <param name="waiting">Those that have not begun.</param>
    /// <param name="underWay">Those that have.</param>
    /// <param name="links">What was learned so far.</param>
    public static IReadOnlyList<Departure> Next(IReadOnlyList<Departure> waiting, IReadOnlyList<Passage> underWay, EvacuationLinks links)
    {
        var busy = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var passage in underWay.Where(passage => !passage.IsEnding)) Take(busy, passage.From, passage.To);
        var chosen = new List<Departure>();
        foreach (var departure in Order(waiting))
        {
            if (!HasRoom(busy, links, departure.From) || !HasRoom(busy, links, departure.To)) continue;
            Take(busy, departure.From, departure.To);
            chosen.Add(departure);
        }

        return chosen;
    }

    /// <summary>
    /// How long it takes, when nothing else is sent: the busiest link's bytes at its rate. Null: no rate was measured yet.
    /// </summary>
    public static TimeSpan? Forecast(IReadOnlyList<Departure> waiting, IReadOnlyList<Passage> underWay, EvacuationLinks links)
    {
        var bytes = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var departure in waiting)
        {
            double rate = Math.Min(links.Of(departure.From).BestBytesPerSecond ?? 0, links.Of(departure.To).BestBytesPerSecond ?? double.MaxValue);
            double sent = Sent(departure, rate);
            Add(bytes, departure.From, sent);
            Add(bytes, departure.To, sent);
        }

        foreach (var passage in underWay)
        {
            Add(bytes, passage.From, passage.RemainingBytes);
            Add(bytes, passage.To, passage.RemainingBytes);
        }

        var times = bytes.Select(host => links.Of(host.Key).BestBytesPerSecond is { } rate ? host.Value / rate : (double?)null).ToList();
        if (times.Count == 0) return TimeSpan.Zero;
        return times.OfType<double>().DefaultIfEmpty(-1).Max() is var longest and >= 0 ? TimeSpan.FromSeconds(Math.Min(longest, TimeSpan.FromDays(7).TotalSeconds)) : null;
    }

    /// <summary>What a guest sends before it has gone: each pass sends what was written during the one before.</summary>
    private static double Sent(Departure departure, double bytesPerSecond)
    {
        if (bytesPerSecond <= 0) return departure.Bytes;
        // A guest that writes as fast as is sent is slowed down by then (auto-converge): it is counted as sending all of it four times.
        double part = Math.Min(departure.DirtyBytesPerSecond / bytesPerSecond, 0.75);
        return departure.Bytes / (1 - part);
    }

    /// <summary>Quiet guests first: while it is found out how many streams the links carry, they lose nothing by sharing. Large ones before small ones, which fill the gaps at the end.</summary>
    private static IEnumerable<Departure> Order(IReadOnlyList<Departure> waiting) => waiting
        .OrderBy(departure => departure.DirtyBytesPerSecond / Math.Max(departure.Bytes, 1) > 0.05)
        .ThenByDescending(departure => departure.Bytes)
        .ThenBy(departure => departure.Vm, StringComparer.Ordinal);

    private static bool HasRoom(Dictionary<string, int> busy, EvacuationLinks links, string host) => busy.GetValueOrDefault(host) < links.Of(host).Streams;

    private static void Take(Dictionary<string, int> busy, string from, string to)
    {
        busy[from] = busy.GetValueOrDefault(from) + 1;
        busy[to] = busy.GetValueOrDefault(to) + 1;
    }

    private static void Add(Dictionary<string, double> bytes, string host, double more) => bytes[host] = bytes.GetValueOrDefault(host) + more;
}
