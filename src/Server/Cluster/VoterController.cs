using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Events;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>
/// The leader's part: takes <see cref="VoterPlan"/>'s steps one at a time and writes for each host which member of etcd it is. What etcd lists is the truth, so that a leader
/// that died midway leaves nothing that the next one does not see.
/// </summary>
internal sealed partial class VoterController(EtcdAdmin admin, IStore store, Cache cache, EventLog events, TimeProvider time, ILogger<VoterController> logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    /// <summary>During a term; until cancelled.</summary>
    public async Task RunAsync(Term term, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await StepAsync(term, cancellationToken);
            }
            catch (Exception failure) when (failure is IOException)
            {
                LogFailed(logger, failure.Message);
            }

            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    internal async Task StepAsync(Term term, CancellationToken cancellationToken)
    {
        var members = await admin.MembersAsync(cancellationToken);
        var snapshot = cache.Snapshot;
        // A host writes its address at its start; until all have, one of them would be taken for none.
        if (snapshot.All(Keys.Hosts.Spec).Any(host => host.Record.Addresses is null)) return;
        var hosts = CandidatesIn(snapshot);
        await WriteAsync(term, snapshot, hosts, members, cancellationToken);
        if (VoterPlan.Next(hosts, members) is not { } step) return;
        await TakeAsync(term, snapshot, step, cancellationToken);
    }

    private async Task TakeAsync(Term term, CacheSnapshot snapshot, VoterStep step, CancellationToken cancellationToken)
    {
        switch (step)
        {
            case VoterStep.Remove remove:
                await admin.RemoveAsync(remove.Member.Id, cancellationToken);
                await SayAsync(term, $"The voter {NameOf(snapshot, remove.Member.PeerUrl)} was taken out of the cluster's store: {remove.Why}.", cancellationToken);
                break;
            case VoterStep.Add add:
                await admin.AddLearnerAsync(add.Host.PeerUrl, cancellationToken);
                await SayAsync(term, $"Host '{NameOf(snapshot, add.Host.PeerUrl)}' gets a copy of the cluster's store, to vote on it.", cancellationToken);
                break;
            case VoterStep.Move move:
                await admin.UpdateAsync(move.Member.Id, move.Host.PeerUrl, cancellationToken);
                await SayAsync(term, $"The voter {snapshot.HostName(move.Host.Id)} is reached at {move.Host.PeerUrl} now.", cancellationToken);
                break;
            case VoterStep.Promote promote:
                try
                {
                    await admin.PromoteAsync(promote.Member.Id, cancellationToken);
                    await SayAsync(term, $"Host '{NameOf(snapshot, promote.Member.PeerUrl)}' votes on the cluster's store.", cancellationToken);
                }
                catch (EtcdAdminException notYet)
                {
                    LogNotYet(logger, notYet.Message);
                }

                break;
        }
    }

    /// <summary>Says to each host which member it is.</summary>
    private async Task WriteAsync(Term term, CacheSnapshot snapshot, IReadOnlyList<VoterCandidate> hosts, IReadOnlyList<EtcdMember> members, CancellationToken cancellationToken)
    {
        var change = new StoreChange("cluster.voters").During(term);
        bool any = false;
        foreach (var host in hosts)
        {
            var member = members.FirstOrDefault(member => VoterPlan.IsOf(member, host));
            var former = snapshot.Get(Keys.Hosts.Voter, host.Id)?.Record;
            if (former?.Member == member?.Id && (member is null || former!.IsLearner == member.IsLearner)) continue;
            any = true;
            change.Put(Keys.Hosts.Voter, host.Id, new VoterRecord
            {
                Member = member?.Id,
                IsLearner = member?.IsLearner ?? false,
                InitialCluster = member is null ? null : former?.Member == member.Id ? former.InitialCluster : InitialCluster(hosts, members),
            });
        }

        if (any) await change.CommitAsync(store, time, cancellationToken);
    }

    /// <summary>As etcd wants it of a member that enters: all members, the new one included, by their hosts' ids.</summary>
    private static string InitialCluster(IReadOnlyList<VoterCandidate> hosts, IReadOnlyList<EtcdMember> members) =>
        string.Join(',', members.Select(member => $"{VoterPlan.HostOf(hosts, member)?.Id ?? member.Name}={member.PeerUrl}"));

    private static IReadOnlyList<VoterCandidate> CandidatesIn(CacheSnapshot snapshot) =>
    [
        .. from host in snapshot.All(Keys.Hosts.Spec)
           select new VoterCandidate(
               host.Id, Addresses.EtcdPeer(host.Record.Addresses!), HostPresence.IsLive(snapshot, host.Id), host.Record.Witness,
               snapshot.Get(Keys.Hosts.Etcd, host.Id)?.Record.LostMember, host.CreateRevision),
    ];

    private static string NameOf(CacheSnapshot snapshot, string peerUrl) =>
        snapshot.All(Keys.Hosts.Spec).FirstOrDefault(host => host.Record.Addresses is { } addresses && Addresses.EtcdPeer(addresses) == peerUrl)?.Record.Name ?? peerUrl;

    private async Task SayAsync(Term term, string message, CancellationToken cancellationToken)
    {
        LogStep(logger, message);
        var change = new StoreChange("cluster.voter").During(term);
        events.Add(change, new EventDraft { Kind = "cluster.voters", Message = message });
        await change.CommitAsync(store, time, cancellationToken);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Message}")]
    private static partial void LogStep(ILogger logger, string message);

    [LoggerMessage(Level = LogLevel.Debug, Message = "A member of etcd does not vote yet: {Reason}")]
    private static partial void LogNotYet(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The voters of the cluster's store could not be looked after now: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);
}
