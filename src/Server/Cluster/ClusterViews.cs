using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Vms.Recovery;

namespace Lamina.Server.Cluster;

/// <summary>The cluster as people see it (pure).</summary>
internal static class ClusterViews
{
    /// <param name="snapshot">Of the store.</param>
    /// <param name="hostId">Who answers.</param>
    /// <param name="membership">Null: it is alone.</param>
    /// <param name="caFingerprint">Of its CA.</param>
    /// <param name="etcd">Version of the store; null: not known now.</param>
    /// <param name="stale">The store does not answer now.</param>
    /// <param name="own">What is amiss with the host that answers, in words.</param>
    public static ClusterStatus Of(CacheSnapshot snapshot, string hostId, Membership? membership, string caFingerprint, string? etcd, bool stale, IReadOnlyList<string> own)
    {
        if (membership is null) return new ClusterStatus { Host = hostId, CaFingerprint = caFingerprint };
        ClusterMember[] members =
        [
            .. snapshot.All(Keys.Hosts.Spec)
                .Where(host => host.Record.Addresses is not null)
                .Select(host => Member(snapshot, host.Id, host.Record, stale))
                .OrderBy(member => member.Name, StringComparer.Ordinal),
        ];
        int voters = members.Count(member => member.Role == ClusterRole.Voter);
        return new ClusterStatus
        {
            IsCluster = true,
            Id = membership.ClusterId,
            Name = membership.ClusterName,
            CaFingerprint = caFingerprint,
            Host = hostId,
            Members = members,
            StoreVersion = etcd,
            Level = ClusterLevel.Of(snapshot),
            VotersThatMayFail = VoterPlan.MayFail(voters),
            AddressChange = membership.AddressTry?.Shown(),
            Notes = [.. own, .. ClusterNotes.Of(members, membership, etcd, stale), .. ClusterNotes.Recovery(RecoveryViews.Of(snapshot))],
        };
    }

    private static ClusterMember Member(CacheSnapshot snapshot, string id, HostSpec spec, bool stale) => new()
    {
        Id = id,
        Name = spec.Name,
        Addresses = spec.Addresses!,
        Role = RoleOf(snapshot.Get(Keys.Hosts.Voter, id)?.Record),
        Witness = spec.Witness,
        Live = stale ? null : HostPresence.IsLive(snapshot, id),
        SilentSince = stale || HostPresence.IsLive(snapshot, id) ? null : snapshot.Get(Keys.Hosts.Silence, id)?.Record.Since,
        Leader = snapshot.Get(Keys.Leader, "")?.Record.Host == id,
        DaemonVersion = snapshot.Get(Keys.Hosts.Status, id)?.Record.DaemonVersion,
        CertificateEnds = snapshot.Get(Keys.Hosts.Certificate, id)?.Record.NotAfter,
    };

    private static ClusterRole RoleOf(VoterRecord? voter) => voter?.Member is null ? ClusterRole.Client : voter.IsLearner ? ClusterRole.Learner : ClusterRole.Voter;
}

/// <summary>What a person should know of a cluster, in words (pure).</summary>
internal static class ClusterNotes
{
    public static IEnumerable<string> Of(IReadOnlyList<ClusterMember> members, Membership membership, string? etcd, bool stale)
    {
        if (stale) yield return "The cluster's store does not answer: guests run on, nothing is started or changed, and what is shown may be old.";
        if (membership.External is not null) yield return $"The store is an etcd that Lamina does not look after: {string.Join(", ", membership.Endpoints)}.";
        else if (Voters(members) is { } voters) yield return voters;
        foreach (var silent in members.Where(member => member.Live == false))
            yield return $"{silent.Name} is silent{(silent.SilentSince is { } since ? $" since {since:u}" : "")}: its state is not known, and its guests are not started elsewhere.";
        if (Few(members) is { } few) yield return few;
        if (members.Select(member => member.DaemonVersion).OfType<string>().Distinct().Count() > 1)
            yield return "Not all hosts run the same version: they work together, and what only the newest can do waits for the others: lamina cluster upgrade";
        switch (membership.AddressTry)
        {
            case { Problem: null } trying:
                yield return $"This host tries the address {trying.Wanted}, and is reached at {trying.Former}, too, until every member has reached it there.";
                break;
            case { Problem: { } problem } refused:
                yield return $"This host has stayed at {refused.Former}, since its change to {refused.Wanted} came to nothing: {problem}";
                break;
        }

        if (etcd is { } version && version.StartsWith("3.4.", StringComparison.Ordinal))
            yield return $"etcd {version} has known faults in watches and reads; 3.5 or newer is wanted for production.";
    }

    /// <summary>What waits since the store was recovered.</summary>
    public static IEnumerable<string> Recovery(Api.ClusterRecovery recovery)
    {
        if (recovery.WaitingVms > 0) yield return $"Since the store was recovered {recovery.WaitingVms} VMs neither start nor stop, until it is known where they run: lamina cluster recovery show";
        if (recovery.Orphans.Count > 0) yield return $"{recovery.Orphans.Count} guests run of which the recovered store knows no VM: lamina cluster recovery show";
    }

    /// <summary>Silent voters are not replaced, so that fewer failures are borne than it seems.</summary>
    private static string? Few(IReadOnlyList<ClusterMember> members)
    {
        int voters = members.Count(member => member.Role == ClusterRole.Voter);
        int silent = members.Count(member => member is { Role: ClusterRole.Voter, Live: false });
        return voters > 1 && silent > 0 ? $"{voters - silent} of {voters} voters are there: {VoterPlan.MayFail(voters) - silent} more may fail. One that never comes back is replaced when its host is removed: lamina host remove HOST --dead" : null;
    }

    private static string? Voters(IReadOnlyList<ClusterMember> members)
    {
        string[] voters = [.. members.Where(member => member.Role == ClusterRole.Voter).Select(member => member.Name)];
        return (voters.Length, members.Count) switch
        {
            (0, _) => null,
            (1, 1) => "One host: the store is as safe as its disk. Three hosts, or two and a witness, bear the loss of one.",
            (1, _) => $"{voters[0]} alone keeps the store. When it fails, guests on other hosts run on, but nothing can be changed or started until it is back. A third host or a witness ('lamina cluster witness') makes any one of them expendable.",
            _ => $"{voters.Length} hosts keep the store ({string.Join(", ", voters)}); {VoterPlan.MayFail(voters.Length)} of them may fail.",
        };
    }
}
