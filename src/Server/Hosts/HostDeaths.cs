using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Hosts;

/// <summary>
/// Evidence that a host runs no guest any more (<see cref="Keys.Hosts.Death"/>), without which nothing of it is given to another host (decision 1). A person's
/// word is one kind; what counts is the same for all.
/// </summary>
internal static class HostDeaths
{
    /// <summary>The evidence that counts now. Null: there is none, the host lives, or it is about an earlier life of the host or of the store. Pure.</summary>
    public static CachedRecord<HostDeath>? Of(CacheSnapshot snapshot, string hostId)
    {
        if (HostPresence.IsLive(snapshot, hostId) || snapshot.Get(Keys.Hosts.Death, hostId) is not { } death) return null;
        bool isThisLife = death.Record.Incarnation == snapshot.Get(Keys.Hosts.Status, hostId)?.Record.Incarnation;
        return isThisLife && death.Record.Generation == GenerationOf(snapshot) ? death : null;
    }

    /// <summary>Adds a person's word to the change, which fails when the host lives by then.</summary>
    public static void Say(StoreChange change, CacheSnapshot snapshot, string hostId, string by, DateTimeOffset now)
    {
        change.RequireAbsent(Keys.Hosts.Live[hostId]);
        RequireLife(change, snapshot, hostId);
        change.Put(Keys.Hosts.Death, hostId, new HostDeath
        {
            Evidence = HostDeathEvidence.Word,
            By = by,
            At = now,
            Incarnation = snapshot.Get(Keys.Hosts.Status, hostId)?.Record.Incarnation,
            Generation = GenerationOf(snapshot),
        });
    }

    /// <summary>The change rests on this evidence: it fails when the host has come back, or the store was restored.</summary>
    public static void Require(StoreChange change, CacheSnapshot snapshot, CachedRecord<HostDeath> death)
    {
        change.Require(Keys.Hosts.Death[death.Id], death.ModRevision).RequireAbsent(Keys.Hosts.Live[death.Id]);
        RequireLife(change, snapshot, death.Id);
    }

    private static void RequireLife(StoreChange change, CacheSnapshot snapshot, string hostId)
    {
        if (snapshot.Get(Keys.Generation, "") is { } generation) change.Require(Keys.Generation[""], generation.ModRevision);
        if (snapshot.Get(Keys.Hosts.Status, hostId) is { } status) change.Require(Keys.Hosts.Status[hostId], status.ModRevision);
        else change.RequireAbsent(Keys.Hosts.Status[hostId]);
    }

    private static long GenerationOf(CacheSnapshot snapshot) => snapshot.Get(Keys.Generation, "")?.Record.Number ?? 1;
}
