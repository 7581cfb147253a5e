namespace Lamina.Server.Cluster;

/// <summary>A host as the choice of voters sees it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="PeerUrl">Of the etcd that it runs or would run.</param>
/// <param name="IsLive">It holds its lease.</param>
/// <param name="IsWitness">It is here to vote.</param>
/// <param name="LostMember">The member whose data it has lost; null: none.</param>
/// <param name="JoinedAt">Orders the hosts: older ones vote first.</param>
internal sealed record VoterCandidate(string Id, string PeerUrl, bool IsLive, bool IsWitness, string? LostMember, long JoinedAt);

/// <summary>The next step towards the voters that there should be.</summary>
internal abstract record VoterStep
{
    private VoterStep()
    {
    }

    /// <summary>Takes a member out: its host is gone for good, or has lost its data.</summary>
    internal sealed record Remove(EtcdMember Member, string Why) : VoterStep;

    /// <summary>Lets a host follow, so that it can vote.</summary>
    internal sealed record Add(VoterCandidate Host) : VoterStep;

    /// <summary>Tells the others that a member is reached elsewhere now.</summary>
    internal sealed record Move(EtcdMember Member, VoterCandidate Host) : VoterStep;

    /// <summary>Lets one that follows vote.</summary>
    internal sealed record Promote(EtcdMember Member) : VoterStep;
}

/// <summary>
/// Which hosts vote on the store (pure): one of one or two, three of three or four, five of five and more; an even number would bear no more failures and ask for one
/// more answer. Voters are kept as long as their hosts are members; a silent one is not replaced, since nobody can tell it from a cut line.
/// </summary>
internal static class VoterPlan
{
    public const int Most = 5;

    /// <returns>One step at a time; null: all is as it should be, or nothing can be done now.</returns>
    public static VoterStep? Next(IReadOnlyList<VoterCandidate> hosts, IReadOnlyList<EtcdMember> members)
    {
        foreach (var member in members.Where(member => member.IsLearner || members.Count(other => !other.IsLearner) > 1))
        {
            // The last one that votes is never taken out: the store would end with it.
            if (HostOf(hosts, member) is not { } host) return new VoterStep.Remove(member, "its host is no member of the cluster any more");
            if (host.LostMember == member.Id) return new VoterStep.Remove(member, "its host has lost the data");
        }

        foreach (var member in members)
        {
            if (HostOf(hosts, member) is { } host && host.PeerUrl != member.PeerUrl) return new VoterStep.Move(member, host);
        }

        if (members.FirstOrDefault(member => member.IsLearner) is { } learner) return HostOf(hosts, learner) is { IsLive: true } ? new VoterStep.Promote(learner) : null;
        int wanted = Wanted(hosts.Count);
        if (members.Count > wanted) return new VoterStep.Remove(Spare(hosts, members), "fewer hosts need fewer votes");
        if (members.Count == wanted) return null;
        var ready = hosts
            .Where(host => host.IsLive && !members.Any(member => IsOf(member, host)))
            .OrderByDescending(host => host.IsWitness).ThenBy(host => host.JoinedAt).ThenBy(host => host.Id, StringComparer.Ordinal)
            .ToArray();
        // Two voters bear less than one: the step from an odd number begins only when two are there to be added.
        bool isOdd = members.Count % 2 == 1;
        return ready.Length < (isOdd ? 2 : 1) ? null : new VoterStep.Add(ready[0]);
    }

    /// <summary>By its name; one that has not started yet has none, and is known by its address.</summary>
    public static bool IsOf(EtcdMember member, VoterCandidate host) => member.Name.Length > 0 ? member.Name == host.Id : member.PeerUrl == host.PeerUrl;

    /// <summary>Null: it is no host's any more.</summary>
    public static VoterCandidate? HostOf(IReadOnlyList<VoterCandidate> hosts, EtcdMember member) => hosts.FirstOrDefault(host => IsOf(member, host));

    /// <summary>The one to do without: who is silent first, then who came last; never a witness before a host.</summary>
    private static EtcdMember Spare(IReadOnlyList<VoterCandidate> hosts, IReadOnlyList<EtcdMember> members) => members
        .OrderBy(member => HostOf(hosts, member)!.IsLive)
        .ThenBy(member => HostOf(hosts, member)!.IsWitness)
        .ThenByDescending(member => HostOf(hosts, member)!.JoinedAt)
        .First();

    public static int Wanted(int hosts) => hosts switch
    {
        < 3 => 1,
        < 5 => 3,
        _ => Most,
    };

    /// <summary>How many voters may fail.</summary>
    public static int MayFail(int voters) => Math.Max(0, (voters - 1) / 2);
}
