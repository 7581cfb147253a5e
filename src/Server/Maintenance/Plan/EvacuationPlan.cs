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
/// for a guest that writes sends the more the longer it is on its way. Hosts that share no link do not wait for each other. While one is made ready, or switches, another one
/// sends, so that the link is never idle; and they begin one after the other, lest they all switch at the same time.
/// </summary>
internal static class EvacuationPlan
{
    /// <summary>A guest that writes more than this part of what the link carries would pay dearly for sharing it.</summary>
    private const double QuietPart = 0.2;

    /// <summary>The VMs to begin with now, in this order.</summary>
    /// <param name="waiting">Those that have not begun.</param>
    /// <param name="underWay">Those that have.</param>
    /// <param name="links">What was learned so far.</param>
    public static IReadOnlyList<Departure> Next(IReadOnlyList<Departure> waiting, IReadOnlyList<Passage> underWay, EvacuationLinks links)
    {
        var busy = new Dictionary<string, Traffic>(StringComparer.Ordinal);
        foreach (var passage in underWay.Where(passage => !passage.IsEnding)) Take(busy, passage.From, passage.To, sends: passage.BytesPerSecond > 0);
        var chosen = new List<Departure>();
        foreach (var departure in Order(waiting, links))
        {
            if (!HasRoom(busy, links, departure, departure.From) || !HasRoom(busy, links, departure, departure.To)) continue;
            Take(busy, departure.From, departure.To, sends: false);
            chosen.Add(departure);
        }

        return chosen;
    }

    /// <summary>How many at once leave the link no pause: one that sends, and so many that are made ready or switch meanwhile.</summary>
    private static int Overlap(Departure departure, LinkExperience link)
    {
        if (link.BestBytesPerSecond is not { } rate) return 2;
        if (departure.DirtyBytesPerSecond > rate * QuietPart) return 1;
        return 1 + (int)Math.Clamp(Math.Ceiling(Passage.Lead.TotalSeconds * rate / Math.Max(departure.Bytes, 1)), 1, LinkExperience.MostStreams - 1);
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

    /// <summary>
    /// Those that take longest first, so that short ones fill the gaps at the end and nobody is left to go alone on a link that one stream does not fill. Where one fills it,
    /// or as long as that is being found out, quiet guests come first: they lose nothing by sharing.
    /// </summary>
    private static IEnumerable<Departure> Order(IReadOnlyList<Departure> waiting, EvacuationLinks links) => waiting
        .OrderBy(departure => links.Of(departure.From).Streams == 1 && departure.DirtyBytesPerSecond / Math.Max(departure.Bytes, 1) > 0.05)
        .ThenByDescending(departure => Sent(departure, links.Of(departure.From).StreamBytesPerSecond ?? 0))
        .ThenBy(departure => departure.Vm, StringComparer.Ordinal);

    private static bool HasRoom(Dictionary<string, Traffic> busy, EvacuationLinks links, Departure departure, string host)
    {
        var (link, traffic) = (links.Of(host), busy.GetValueOrDefault(host));
        if (traffic.Streams < link.Streams) return true;
        int overlap = Overlap(departure, link);
        return traffic.Streams < overlap && traffic.MadeReady < (overlap + 1) / 2;
    }

    private static void Take(Dictionary<string, Traffic> busy, string from, string to, bool sends)
    {
        foreach (string host in new[] { from, to })
        {
            var before = busy.GetValueOrDefault(host);
            busy[host] = new Traffic(before.Streams + 1, before.MadeReady + (sends ? 0 : 1));
        }
    }

    private static void Add(Dictionary<string, double> bytes, string host, double more) => bytes[host] = bytes.GetValueOrDefault(host) + more;

    /// <summary>What is under way over a host's link.</summary>
    private readonly record struct Traffic(int Streams, int MadeReady);
}
