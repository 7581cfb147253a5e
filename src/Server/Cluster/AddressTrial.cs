using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;

namespace Lamina.Server.Cluster;

/// <summary>
/// Ends the try of another address: it holds when every live member has reached this host there, and, if it votes, etcd has it there, too. Otherwise the address before is taken back, by this loop, or
/// by the start of the daemon when the store is not reached at all. A daemon that dies meanwhile goes on with the try at its next start.
/// </summary>
internal sealed partial class AddressTrial(ClusterParts parts, HostVoter voter, PeerClient peers, EtcdAdmin admin, ILogger<AddressTrial> logger)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AskPatience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>The address before, and why.</summary>
    public static Membership TakeBack(Instance instance, Membership trying, string problem)
    {
        var former = TakenBack(instance, trying, problem);
        former.Write(instance);
        return former;
    }

    /// <summary>At the start, when the store does not answer.</summary>
    /// <exception cref="DaemonRestartException">It was waited for long enough: the address before is taken back.</exception>
    public static void RequireStore(Instance instance, Membership membership, TimeSpan waited)
    {
        if (membership.AddressTry is not { Problem: null } || waited < Patience) return;
        TakeBack(instance, membership, "the cluster's store is not reached from there.");
        throw new DaemonRestartException();
    }

    /// <summary>Until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (voter.Membership.AddressTry is { Problem: null } trying) await TryAsync(trying, cancellationToken);
        else if (voter.Membership.AddressTry is { Told: false } refused) await TellAsync(refused, cancellationToken);
        await Task.Delay(Timeout.InfiniteTimeSpan, parts.Time, cancellationToken);
    }

    private static Membership TakenBack(Instance instance, Membership trying, string problem) =>
        trying.At(instance, trying.AddressTry!.Former) with { AddressTry = trying.AddressTry with { Problem = problem } };

    private async Task TryAsync(AddressTry trying, CancellationToken cancellationToken)
    {
        long began = parts.Time.GetTimestamp();
        while (true)
        {
            if (await ProblemAsync(cancellationToken) is not { } problem) break;
            if (parts.Time.GetElapsedTime(began) > Patience)
            {
                LogTakenBack(logger, trying.Wanted, problem);
                voter.Keep(now => TakenBack(parts.Instance, now, problem));
                parts.Restart.Ask();
                return;
            }

            await Task.Delay(Pause, parts.Time, cancellationToken);
        }

        voter.Keep(now => now with { AddressTry = null });
        await SayAsync("host.address", $"Host '{parts.Host.Name}' is reached at {trying.Wanted} now, no longer at {trying.Former}.", EventSeverity.Information, cancellationToken);
    }

    private async Task TellAsync(AddressTry refused, CancellationToken cancellationToken)
    {
        string message = $"Host '{parts.Host.Name}' is at {refused.Former} again, since its change to {refused.Wanted} came to nothing: {refused.Problem}";
        await SayAsync("host.addressTakenBack", message, EventSeverity.Warning, cancellationToken);
        voter.Keep(now => now with { AddressTry = refused with { Told = true } });
    }

    /// <summary>What is not as it should be yet; null: nothing.</summary>
    private async Task<string?> ProblemAsync(CancellationToken cancellationToken)
    {
        var snapshot = parts.Cache.Snapshot;
        var own = Addresses.Of(parts.Instance, voter.Membership.Address);
        if (parts.Cache.IsStale) return "the cluster's store does not answer.";
        if (snapshot.Get(Keys.Hosts.Spec, parts.Host.Id)?.Record.Addresses?.Peer != own.Peer) return "the cluster's store does not have it yet.";
        bool votes = voter.Membership is { External: null, EtcdMember: not null };
        if (votes && await EtcdProblemAsync(own, cancellationToken) is { } etcd) return etcd;
        var news = new AddressNews(own.Peer, votes ? Addresses.EtcdClient(own) : null);
        foreach (string id in snapshot.All(Keys.Hosts.Spec).Select(host => host.Id).Where(id => id != parts.Host.Id && HostPresence.IsLive(snapshot, id)))
        {
            if (await AskAsync(id, news, cancellationToken) is { } problem) return $"{snapshot.HostName(id)}: {problem}";
        }

        return null;
    }

    private async Task<string?> EtcdProblemAsync(HostAddresses own, CancellationToken cancellationToken)
    {
        try
        {
            await admin.StatusAsync(cancellationToken, Addresses.EtcdClient(own));
            var member = (await admin.MembersAsync(cancellationToken)).FirstOrDefault(member => member.Id == voter.Membership.EtcdMember);
            return member?.PeerUrl == Addresses.EtcdPeer(own) ? null : "the other voters do not know it there yet.";
        }
        catch (EtcdAdminException failure)
        {
            return $"its etcd does not answer there: {failure.Message}";
        }
    }

    private Task<string?> AskAsync(string hostId, AddressNews news, CancellationToken cancellationToken) =>
        AddressAsks.ProblemAsync(peers, hostId, "/peer/v1/address/learned", news, ClusterJson.Default.AddressNews, AskPatience, parts.Time, cancellationToken);

    private async Task SayAsync(string kind, string message, EventSeverity severity, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                var change = new StoreChange(kind);
                parts.Events.Add(change, new EventDraft { Kind = kind, Message = message, Severity = severity, Target = new ObjectReference { Kind = "host", Id = parts.Host.Id, Name = parts.Host.Name } });
                await change.CommitAsync(parts.Store, parts.Time, cancellationToken);
                return;
            }
            catch (IOException)
            {
                // The store is away: tried again.
            }

            await Task.Delay(Pause, parts.Time, cancellationToken);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The address {Wanted} is taken back: {Reason}")]
    private static partial void LogTakenBack(ILogger logger, string wanted, string reason);
}
