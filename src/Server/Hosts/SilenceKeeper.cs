using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Store;

namespace Lamina.Server.Hosts;

/// <summary>
/// Notes, while this daemon leads, since when a host is missed, and says so in the timeline. A daemon that is only started anew is back before that. Nothing is decided by it: silence proves
/// nothing (decision 1).
/// </summary>
internal sealed class SilenceKeeper(IStore store, Cache cache, EventLog events, TimeProvider time, Term term)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    /// <summary>When a host was missed first, by its id; by both clocks: how long ago that is, is no matter of the one that people set.</summary>
    private readonly Dictionary<string, (long At, DateTimeOffset Since)> _missed = new(StringComparer.Ordinal);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(cancellationToken)) await LookAsync(cancellationToken);
    }

    internal async Task LookAsync(CancellationToken cancellationToken)
    {
        var snapshot = cache.Snapshot;
        if (cache.IsStale || snapshot.All(Keys.Hosts.Spec).Take(2).Count() < 2) return;
        foreach (var host in snapshot.All(Keys.Hosts.Spec))
        {
            if (Step(snapshot, host) is not { } change) continue;
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

    /// <summary>Null: what is written is so.</summary>
    private StoreChange? Step(CacheSnapshot snapshot, CachedRecord<HostSpec> host)
    {
        var known = snapshot.Get(Keys.Hosts.Silence, host.Id);
        if (HostPresence.IsLive(snapshot, host.Id))
        {
            _missed.Remove(host.Id);
            if (known is null) return null;
            var back = new StoreChange("host.back").Delete(Keys.Hosts.Silence[host.Id], known.ModRevision);
            return Tell(back, host, "host.back", EventSeverity.Information, $"Host '{host.Record.Name}' is there again; it was missed since {known.Record.Since:u}.");
        }

        if (known is not null) return null;
        if (_missed.TryAdd(host.Id, (time.GetTimestamp(), time.GetUtcNow())) || time.GetElapsedTime(_missed[host.Id].At) < Patience) return null;
        var change = new StoreChange("host.silent").Require(Keys.Hosts.Spec[host.Id], host.ModRevision).Create(Keys.Hosts.Silence, host.Id, new HostSilence { Since = _missed[host.Id].Since });
        return Tell(change, host, "host.silent", EventSeverity.Warning, $"Host '{host.Record.Name}' is silent: its state is not known, and its guests are not started elsewhere on that account.");
    }

    private StoreChange Tell(StoreChange change, CachedRecord<HostSpec> host, string kind, EventSeverity severity, string message)
    {
        events.Add(change, new EventDraft { Kind = kind, Severity = severity, Message = message, Target = new ObjectReference { Kind = "host", Id = host.Id, Name = host.Record.Name } });
        return change;
    }
}
