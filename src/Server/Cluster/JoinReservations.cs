using Lamina.Api;
using Lamina.Server.Cluster.Import;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Events;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>
/// Names, MACs and addresses that are kept for the objects of a host that is about to join, so that nothing stands against them once it has switched to the cluster's store. They become ordinary
/// claims when the host writes them itself; those of a join that came to nothing are given back.
/// </summary>
internal sealed class JoinReservations(IStore store, Cache cache, EventLog events, TimeProvider time)
{
    private const int AtOnce = 45;

    /// <summary>Claims all that the host needs; what it has claimed before is fine.</summary>
    /// <returns>False: somebody was faster, or the host was removed. Some claims may have been made.</returns>
    public async Task<bool> TryReserveAsync(string hostId, IReadOnlyList<ImportReservation> claims, CancellationToken cancellation)
    {
        var snapshot = cache.Snapshot;
        foreach (var some in claims.Where(claim => snapshot.Get(claim.Kind, claim.Id)?.Record.Owner != claim.Owner).Chunk(AtOnce))
        {
            var change = new StoreChange("cluster.reserve").RequireExists(Keys.Hosts.Spec[hostId]);
            foreach (var claim in some) change.Create(claim.Kind, claim.Id, new Claim { Owner = claim.Owner, Joining = hostId });
            if (!(await change.CommitAsync(store, time, cancellation)).Succeeded) return false;
        }

        return true;
    }

    /// <summary>Takes back that a host was let in, if it has never been here; its token holds again until its end.</summary>
    /// <exception cref="ProblemException">It is a member.</exception>
    public async Task WithdrawAsync(string tokenId, string hostId, CancellationToken cancellation)
    {
        var snapshot = cache.Snapshot;
        if (snapshot.Get(Keys.Hosts.Spec, hostId) is { } host)
        {
            string name = host.Record.Name;
            var change = new StoreChange("cluster.withdraw")
                .RequireAbsent(Keys.Hosts.Status[hostId])
                .Require(Keys.Hosts.Spec[hostId], host.ModRevision)
                .DeletePrefix(Keys.Hosts.All(hostId))
                .Delete(Keys.Names[Keys.NameId(Lookup.Installation, "host", name)]);
            if (snapshot.Get(Keys.JoinTokens, tokenId) is { } token && token.Record.UsedBy == hostId) change.Update(Keys.JoinTokens, tokenId, token.Record with { UsedBy = null }, token.ModRevision);
            events.Add(change, new EventDraft { Kind = "cluster.withdrawn", Message = $"Host '{name}' did not come to the end of its join, and is no member.", Target = new ObjectReference { Kind = "host", Id = hostId, Name = name } });
            var commit = await change.CommitAsync(store, time, cancellation);
            if (!commit.Succeeded) throw ProblemException.Conflict("cluster.joined", $"The host '{name}' is a member of the cluster, or is changed at this moment.", "See 'lamina cluster status'.");
            await cache.WaitForRevisionAsync(commit.Revision, TimeSpan.FromSeconds(5), cancellation);
        }

        await ReleaseAsync(cancellation);
    }

    /// <summary>Gives back what was kept for hosts that are not there.</summary>
    public async Task<SweepReport> ReleaseAsync(CancellationToken cancellation)
    {
        var snapshot = cache.Snapshot;
        var kept = new[] { Keys.Names, Keys.Macs, Keys.Addresses }
            .SelectMany(kind => snapshot.All(kind).Select(claim => (Key: kind[claim.Id], claim.ModRevision, claim.Record.Joining)))
            .Where(claim => claim.Joining is { } host && snapshot.Get(Keys.Hosts.Spec, host) is null)
            .ToArray();
        foreach (var some in kept.Chunk(AtOnce))
        {
            var change = new StoreChange("cluster.release");
            foreach (var claim in some) change.Delete(claim.Key, claim.ModRevision);
            await change.CommitAsync(store, time, cancellation);
        }

        return new SweepReport { Removed = [.. kept.Select(claim => $"claim {claim.Key} of host {claim.Joining}, which has not joined")] };
    }
}
