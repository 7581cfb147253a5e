using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Store;

namespace Lamina.Server.Hosts;

/// <summary>
/// While this daemon leads, asks each live host what time it is, and keeps on record whose clock is off (<see cref="Keys.Hosts.Clock"/>). As long as all are right nothing is written.
/// </summary>
/// <param name="store">Where it is kept.</param>
/// <param name="cache">Who is there.</param>
/// <param name="events">Told of it.</param>
/// <param name="hostId">This host.</param>
/// <param name="ask">What time it is at another host.</param>
/// <param name="time">This host's clocks.</param>
/// <param name="term">In which it leads.</param>
internal sealed class ClockKeeper(
    IStore store, Cache cache, EventLog events, string hostId, Func<string, CancellationToken, Task<DateTimeOffset>> ask, TimeProvider time, Term term)
{
    private const string Path = "/peer/v1/clock";

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Five hundred lines opened at once would hold up all else that this host does for seconds.</summary>
    internal const int AtOnce = 8;

    /// <summary>Between those and the next ones: five hundred are asked in 25 s.</summary>
    internal static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(400);

    /// <summary>Answers the hosts that ask.</summary>
    public static void Map(PeerRoutes routes, TimeProvider time) =>
        routes.Get(Path, request => request.WriteAsync(new ClockAnswer { Now = time.GetUtcNow() }, ClockJson.Default.ClockAnswer));

    /// <summary>Asks a host.</summary>
    public static async Task<DateTimeOffset> AskAsync(PeerClient peers, string host, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Path);
        using var response = await peers.SendAsync(host, request, cancellationToken);
        return (await PeerJson.ReadAsync(response, ClockJson.Default.ClockAnswer, cancellationToken)).Now;
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do await LookAsync(cancellationToken);
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        string[] others = [.. cache.Snapshot.All(Keys.Hosts.Live).Select(host => host.Id).Where(id => id != hostId)];
        if (cache.IsStale || others.Length == 0) return;
        var read = await Task.WhenAll(others.Select((host, index) => ReadAsync(host, Pause * (index / AtOnce), cancellationToken)));
        var snapshot = cache.Snapshot;
        foreach (var reading in HostClocks.AgainstMost(hostId, [.. read.OfType<ClockReading>()], host => snapshot.Get(Keys.Hosts.Clock, host) is not null))
        {
            if (Step(snapshot, reading) is not { } change) continue;
            try
            {
                (await change.During(term).CommitAsync(store, time, cancellationToken)).EnsureTerm();
            }
            catch (IOException)
            {
                // The store is away, which others say: looked at again.
                return;
            }
        }
    }

    /// <summary>The surer one of two answers, since the first may have had to open the line. Null: it does not answer.</summary>
    /// <param name="host">Id of who is asked.</param>
    /// <param name="pause">So long after the look began.</param>
    /// <param name="cancellationToken">Ends the look.</param>
    private async Task<ClockReading?> ReadAsync(string host, TimeSpan pause, CancellationToken cancellationToken)
    {
        await Task.Delay(pause, time, cancellationToken);
        using var patience = new CancellationTokenSource(Patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            var (first, second) = (await AskOnceAsync(host, either.Token), await AskOnceAsync(host, either.Token));
            return first.Doubt < second.Doubt ? first : second;
        }
        catch (Exception silent) when (!cancellationToken.IsCancellationRequested
            && silent is HttpRequestException or ProblemException or IOException or JsonException or OperationCanceledException)
        {
            // Of an earlier version, or on its way out: what is known of it stays.
            return null;
        }
    }

    private async Task<ClockReading> AskOnceAsync(string host, CancellationToken cancellationToken)
    {
        var (asked, began) = (time.GetUtcNow(), time.GetTimestamp());
        var said = await ask(host, cancellationToken);
        var half = time.GetElapsedTime(began) / 2;
        return new ClockReading(host, said - (asked + half), half);
    }

    /// <summary>Null: what is on record is so.</summary>
    private StoreChange? Step(CacheSnapshot snapshot, ClockReading reading)
    {
        if (snapshot.Get(Keys.Hosts.Spec, reading.Host) is not { } host) return null;
        var known = snapshot.Get(Keys.Hosts.Clock, host.Id);
        var judged = HostClocks.Judge(reading, known?.Record, time.GetUtcNow());
        if (judged == known?.Record) return null;
        if (judged is null)
            return Tell(new StoreChange("host.clock").Delete(Keys.Hosts.Clock[host.Id], known!.ModRevision), host, "host.clockRight", EventSeverity.Information, $"The clock of host '{host.Record.Name}' is right again.");
        var change = new StoreChange("host.clock").Require(Keys.Hosts.Spec[host.Id], host.ModRevision).Put(Keys.Hosts.Clock, host.Id, judged);
        return Tell(change, host, "host.clockOff", EventSeverity.Warning, $"The clock of host '{host.Record.Name}' is {HostClocks.Words(judged)}. {HostClocks.Remedy}");
    }

    private StoreChange Tell(StoreChange change, CachedRecord<HostSpec> host, string kind, EventSeverity severity, string message)
    {
        events.Add(change, new EventDraft { Kind = kind, Severity = severity, Message = message, Target = new ObjectReference { Kind = "host", Id = host.Id, Name = host.Record.Name } });
        return change;
    }
}

/// <summary>What time it is at a host.</summary>
internal sealed record ClockAnswer
{
    public required DateTimeOffset Now { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ClockAnswer))]
internal sealed partial class ClockJson : JsonSerializerContext;
