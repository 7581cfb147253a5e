using System.Diagnostics.CodeAnalysis;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>
/// This host's part in the cluster's etcd: runs its member as the leader's record says, looks after the process, and keeps in mind where the store answers. A member whose
/// data are gone is reported and never begun anew.
/// </summary>
/// <param name="instance">Whose files.</param>
/// <param name="hostId">This host.</param>
/// <param name="membership">As it is at the start.</param>
/// <param name="etcd">The process.</param>
/// <param name="store">For this host's own record.</param>
/// <param name="cache">Where the records are seen.</param>
/// <param name="time">The clock.</param>
/// <param name="logger">Told what goes wrong.</param>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore's wait handle is never taken, so nothing is held.")]
internal sealed partial class HostVoter(
    Instance instance, string hostId, Membership membership, EtcdServer etcd, IStore store, Cache cache, TimeProvider time, ILogger<HostVoter> logger)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _gate = new(1);
    private readonly Lock _keeping = new();
    private Membership _membership = membership;
    private bool _isSealed;

    /// <summary>Called when the store answers elsewhere.</summary>
    public Action? EndpointsChanged { get; set; }

    public Membership Membership => Volatile.Read(ref _membership);

    public EtcdServer Etcd => etcd;

    /// <summary>Until cancelled. The process runs on.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await StepAsync(cancellationToken);
            }
            catch (Exception failure) when (failure is IOException or ProblemException or Linux.LinuxException)
            {
                LogFailed(logger, failure.Message);
            }

            await Task.Delay(Interval, time, cancellationToken);
        }
    }

    /// <summary>The store that this host votes on was replaced by another one: its etcd ends now and does not come again, and the next start turns to the other one.</summary>
    public async Task SealAsync(RecoveryRecord recovery, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            _isSealed = true;
            Keep(now => now with { Recovery = recovery });
            await etcd.StopAsync(cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>What was to be told in the store stands there.</summary>
    public async Task ToldAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        Keep(now => now with { Untold = null });
        _gate.Release();
    }

    internal async Task StepAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (!_isSealed) await LookAsync(cancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var snapshot = cache.Snapshot;
        RememberEndpoints(snapshot);
        if (Membership.External is not null) return;
        if (snapshot.Get(Keys.Hosts.Voter, hostId)?.Record is { } wanted && wanted.Member != Membership.EtcdMember) await BecomeAsync(wanted, cancellationToken);
        if (Membership.EtcdMember is not { } member) return;
        if (Membership.EtcdStarted && !etcd.HasData && !etcd.IsRunning)
        {
            await ReportLostAsync(snapshot, member, cancellationToken);
            return;
        }

        bool ran = etcd.IsRunning;
        etcd.Run(Membership);
        if (!ran) LogStarted(logger, member, etcd.ProcessId ?? 0);
        if (!Membership.EtcdStarted && etcd.HasData) Keep(now => now with { EtcdStarted = true });
    }

    /// <summary>Another member than before, or none: what the former one kept is of no use to it.</summary>
    private async Task BecomeAsync(VoterRecord wanted, CancellationToken cancellationToken)
    {
        LogBecomes(logger, wanted.Member ?? "none");
        // Before its data go: a crash in between must not look like a loss.
        Keep(now => now with { EtcdMember = null, EtcdStarted = false });
        await etcd.RemoveAsync(cancellationToken);
        Keep(now => now with { EtcdMember = wanted.Member, EtcdInitialCluster = wanted.InitialCluster });
    }

    private async Task ReportLostAsync(CacheSnapshot snapshot, string member, CancellationToken cancellationToken)
    {
        if (snapshot.Get(Keys.Hosts.Etcd, hostId)?.Record.LostMember == member) return;
        LogLost(logger, member);
        await new StoreChange("cluster.etcdLost").Put(Keys.Hosts.Etcd, hostId, new HostEtcdRecord { LostMember = member }).CommitAsync(store, time, cancellationToken);
    }

    private void RememberEndpoints(CacheSnapshot snapshot)
    {
        if (Membership.External is not null || StoreEndpoints.Of(snapshot, hostId) is not { Count: > 0 } endpoints) return;
        string[] peers = [.. Addresses.OthersPeers(snapshot, hostId).Order(StringComparer.Ordinal)];
        bool isElsewhere = !endpoints.SequenceEqual(Membership.Endpoints);
        if (!isElsewhere && peers.SequenceEqual(Membership.Peers)) return;
        Keep(now => now with { Endpoints = endpoints, Peers = peers });
        if (isElsewhere) EndpointsChanged?.Invoke();
    }

    /// <summary>Keeps a change of this host's membership in mind.</summary>
    public void Keep(Func<Membership, Membership> change)
    {
        lock (_keeping)
        {
            var changed = change(Membership);
            changed.Write(instance);
            Volatile.Write(ref _membership, changed);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The care of this host's etcd has met a failure and goes on: {Reason}")]
    private static partial void LogFailed(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Information, Message = "etcd runs as member {Member}, process {ProcessId}")]
    private static partial void LogStarted(ILogger logger, string member, int processId);

    [LoggerMessage(Level = LogLevel.Information, Message = "This host's member of etcd is to be: {Member}")]
    private static partial void LogBecomes(ILogger logger, string member);

    [LoggerMessage(Level = LogLevel.Error, Message = "The data of this host's etcd (member {Member}) are gone; it asks to be removed and added again")]
    private static partial void LogLost(ILogger logger, string member);
}

/// <summary>Where the cluster's store answers (pure).</summary>
internal static class StoreEndpoints
{
    /// <returns>This host's own first; empty where the records do not say it yet.</returns>
    public static IReadOnlyList<string> Of(CacheSnapshot snapshot, string hostId) =>
    [
        .. snapshot.All(Keys.Hosts.Voter)
            .Where(voter => voter.Record is { Member: not null, IsLearner: false })
            .OrderBy(voter => voter.Id != hostId).ThenBy(voter => voter.Id, StringComparer.Ordinal)
            .Select(voter => snapshot.Get(Keys.Hosts.Spec, voter.Id)?.Record.Addresses)
            .OfType<HostAddresses>()
            .Select(Addresses.EtcdClient),
    ];
}
