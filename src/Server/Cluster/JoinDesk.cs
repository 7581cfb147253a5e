using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Cluster.Import;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>
/// The member's side of a join: <c>/peer/v1/join/check</c> says all that stands against it, <c>/peer/v1/join</c> makes the host a member, <c>/peer/v1/join/withdraw</c> takes that back while it has
/// not come.
/// </summary>
internal sealed class JoinDesk(Instance instance, TlsIdentity tls, HostVoter voter, JoinReservations reservations, IStore store, Cache cache, EventLog events, TimeProvider time)
{
    /// <summary>Enough for the names of some 10,000 VMs.</summary>
    private const long MostBytes = 8 << 20;

    private static readonly TimeSpan CachePatience = TimeSpan.FromSeconds(5);

    public void Map(PeerRoutes peers)
    {
        peers.PostOpen("/peer/v1/join/check", async http =>
        {
            var facts = await PeerRequest.ReadAsync(http, ClusterJson.Default.JoinFacts, MostBytes);
            var snapshot = cache.Snapshot;
            var plan = ImportPlan.Of(snapshot, facts.Import, facts.HostName);
            var misfits = await CheckAsync(snapshot, facts, plan, http.RequestAborted);
            var verdict = new JoinVerdict { Cluster = voter.Membership.ClusterName, Misfits = misfits, Notes = misfits.Count > 0 ? [] : [.. plan.Notes, .. JoinCpu.Notes(snapshot, facts)] };
            await PeerRequest.WriteAsync(http, verdict, ClusterJson.Default.JoinVerdict);
        });
        peers.PostOpen("/peer/v1/join", async http =>
        {
            var facts = await PeerRequest.ReadAsync(http, ClusterJson.Default.JoinFacts, MostBytes);
            await PeerRequest.WriteAsync(http, await AdmitAsync(facts, http.RequestAborted), ClusterJson.Default.JoinGrant);
        });
        peers.PostOpen("/peer/v1/join/withdraw", async http =>
        {
            var withdrawal = await PeerRequest.ReadAsync(http, ClusterJson.Default.JoinWithdrawal);
            if (JoinRules.Token(cache.Snapshot, withdrawal.TokenId, withdrawal.Secret) is { } wrong) throw new ProblemException(ProblemKind.Denied, wrong.Code, wrong.Message, wrong.Remedy);
            await reservations.WithdrawAsync(withdrawal.TokenId, withdrawal.HostId, http.RequestAborted);
            await PeerRequest.WriteAsync(http, withdrawal with { Secret = "" }, ClusterJson.Default.JoinWithdrawal);
        });
    }

    private async Task<IReadOnlyList<Failure>> CheckAsync(CacheSnapshot snapshot, JoinFacts facts, ImportPlan plan, CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        return JoinRules.Token(snapshot, facts.TokenId, facts.Secret) is { } wrong
            ? [wrong]
            : [.. JoinRules.Check(snapshot, facts, BuildInformation.Version, now, await PeerReach.ProblemAsync(facts.Addresses.Peer, facts.Nonce, time, cancellation)), .. plan.Clashes];
    }

    /// <summary>
    /// Checked again, since the world may have changed; then one transaction uses up the token and makes the host, and further ones keep what its objects need. The same host may ask again: its
    /// first answer may have been lost.
    /// </summary>
    private async Task<JoinGrant> AdmitAsync(JoinFacts facts, CancellationToken cancellation)
    {
        var snapshot = cache.Snapshot;
        var plan = ImportPlan.Of(snapshot, facts.Import, facts.HostName);
        var misfits = await CheckAsync(snapshot, facts, plan, cancellation);
        if (misfits.Count > 0) throw new ProblemException(ProblemKind.Conflict, misfits[0].Code, misfits[0].Message, misfits[0].Remedy);
        var token = snapshot.Get(Keys.JoinTokens, facts.TokenId)!;
        if (token.Record.UsedBy is null)
        {
            var commit = await Admission(token, facts).CommitAsync(store, time, cancellation);
            if (!commit.Succeeded) throw Overtaken("Another host has joined at this moment, by this token or under this name.");
            await cache.WaitForRevisionAsync(commit.Revision, CachePatience, cancellation);
        }

        if (!await reservations.TryReserveAsync(facts.HostId, plan.Claims, cancellation))
        {
            await reservations.WithdrawAsync(facts.TokenId, facts.HostId, cancellation);
            throw Overtaken("Somebody has taken a name, a MAC or an address at this moment that an object of this host has.");
        }

        return new JoinGrant
        {
            ClusterId = voter.Membership.ClusterId,
            ClusterName = voter.Membership.ClusterName,
            Endpoints = voter.Membership.Endpoints,
            StoreId = store.StoreId,
            CaPem = tls.CaWithKeyPem,
            BoxKey = await File.ReadAllBytesAsync(SecretFiles.Box(instance), cancellation),
            FingerprintKey = await File.ReadAllBytesAsync(SecretFiles.Fingerprint(instance), cancellation),
            External = voter.Membership.External,
            Import = plan.Mapping,
        };
    }

    private static ProblemException Overtaken(string message) => new(ProblemKind.Conflict, "cluster.joinOvertaken", message, "Try again.");

    private StoreChange Admission(CachedRecord<JoinTokenRecord> token, JoinFacts facts)
    {
        var target = new ObjectReference { Kind = "host", Id = facts.HostId, Name = facts.HostName };
        var change = new StoreChange("cluster.join")
            .Update(Keys.JoinTokens, token.Id, token.Record with { UsedBy = facts.HostId }, token.ModRevision)
            .Create(Keys.Hosts.Spec, facts.HostId, new HostSpec { Name = facts.HostName, Addresses = facts.Addresses, Witness = facts.Witness, Memory = facts.Memory ?? new HostMemoryPolicy() })
            .Create(Keys.Names, Keys.NameId(Lookup.Installation, "host", facts.HostName), new Claim { Owner = facts.HostId })
            .RequireAbsent(Keys.RemovedHosts[facts.HostId]);
        events.Add(change, new EventDraft
        {
            Kind = "cluster.joined",
            Message = $"Host '{facts.HostName}' has joined the cluster{(facts.Witness ? " as a witness" : "")}, at {facts.Addresses.Peer}, by a token of {token.Record.MadeBy}.",
            Target = target,
        });
        return change;
    }
}
