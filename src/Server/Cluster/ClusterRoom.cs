using System.Net;
using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Store;
using Lamina.Server.Store.Etcd;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Lamina.Server.Cluster;

/// <summary>What the room is made of.</summary>
internal sealed record ClusterParts
{
    public required Instance Instance { get; init; }
    public required LocalHost Host { get; init; }
    public required Sweeper Sweeper { get; init; }
    public required TlsIdentity Tls { get; init; }
    public required ApiServices Services { get; init; }
    public required IStore Store { get; init; }
    public required Cache Cache { get; init; }
    public required Leadership Leadership { get; init; }
    public required EventLog Events { get; init; }
    public required TimeProvider Time { get; init; }
    public required ILoggerFactory Loggers { get; init; }
    public required DaemonRestart Restart { get; init; }

    /// <summary>Further names of this host, from the configuration.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Null: it is alone.</summary>
    public ClusterStart? Start { get; init; }
}

/// <summary>All of this room, wired.</summary>
internal sealed class ClusterRoom : IDisposable
{
    private readonly ClusterParts _parts;
    private readonly JoinWithdrawals _withdrawals;
    private readonly JoinReservations _reservations;

    public ClusterRoom(ClusterParts parts)
    {
        _parts = parts;
        _withdrawals = new JoinWithdrawals(parts.Instance, parts.Host.Id, parts.Time, parts.Loggers.CreateLogger<JoinWithdrawals>());
        _reservations = new JoinReservations(parts.Store, parts.Cache, parts.Events, parts.Time);
        if (parts.Start is not { } start) return;
        Voter = new HostVoter(parts.Instance, parts.Host.Id, start.Membership, start.Etcd, parts.Store, parts.Cache, parts.Time, parts.Loggers.CreateLogger<HostVoter>());
        Trust = new HostTrust(parts.Instance, parts.Tls, start.Certificate, parts.Store, parts.Cache, parts.Time, parts.Loggers.CreateLogger<HostTrust>());
        Admin = new EtcdAdmin(() => Voter.Membership.Endpoints, () => start.Certificate.Current, parts.Tls.CaPem);
        Gate = new PeerGate(start.Certificate, parts.Cache);
        Peers = new PeerClient(start.Certificate, () => parts.Cache.Snapshot);
        parts.Services.Peers.Use(id => parts.Cache.Snapshot.Get(Keys.Hosts.Spec, id)?.Record.Addresses is null ? null : new PeerAddress(Peers.LineTo(id), Peers.AddressOf(id)));
        if (parts.Store is EtcdStore etcd) Trust.Renewed = Voter.EndpointsChanged = () => etcd.Use(StoreChoice.Access(parts.Instance, Voter.Membership));
        parts.Sweeper.Register("joins", _reservations.ReleaseAsync);
        if (start.Membership.External is null)
        {
            var voters = new VoterController(Admin, parts.Store, parts.Cache, parts.Events, parts.Time, parts.Loggers.CreateLogger<VoterController>());
            var care = new EtcdCare(Admin, () => Voter.Membership.Endpoints, parts.Time, parts.Loggers.CreateLogger<EtcdCare>());
            parts.Leadership.Add("voters", voters.RunAsync);
            parts.Leadership.Add("care of etcd", care.RunAsync);
            parts.Sweeper.Register("etcd snapshots", new EtcdSnapshots(parts.Instance, Voter, parts.Time).SweepAsync);
        }
    }

    /// <summary>Null, like the others: this host is alone.</summary>
    public HostVoter? Voter { get; }

    public HostTrust? Trust { get; }

    public PeerGate? Gate { get; }

    /// <summary>The way to the other hosts.</summary>
    public PeerClient? Peers { get; }

    public DaemonRestart Restart => _parts.Restart;

    /// <summary>What is amiss with this host's part in the store; null: nothing, or it has none.</summary>
    public string? EtcdMisfit => Voter is { Membership.EtcdMember: not null, Etcd.IsRunning: false } ? $"this host's etcd does not run. {EtcdTrouble.Of(_parts.Instance)}".TrimEnd() : null;

    public string CaFingerprint => _parts.Tls.CaFingerprint;

    private EtcdAdmin? Admin { get; }

    /// <summary>By which other hosts reach this one; two while a change is tried, none: it is alone.</summary>
    public IReadOnlyList<string> ListeningAt => _parts.Start?.Membership.ListeningAt(HostAddressRules.Own()) ?? [];

    /// <summary>Opens the port for the other hosts, if there are any.</summary>
    public void Listen(KestrelServerOptions kestrel)
    {
        foreach (string address in ListeningAt) Gate!.Listen(kestrel, new IPEndPoint(IPAddress.Parse(address), _parts.Instance.PeerPort));
    }

    public void Map(ApiRoutes api, PeerRoutes peers)
    {
        new ClusterEndpoints(this, _parts.Events, _parts.Time).Map(api);
        new HostRemovalEndpoints(_parts.Events, _parts.Time).Map(api);
        if (Voter is not { } voter) return;
        new StandingDesk(_parts.Cache).Map(peers);
        new JoinDesk(_parts.Instance, _parts.Tls, voter, _reservations, _parts.Store, _parts.Cache, _parts.Events, _parts.Time).Map(peers);
        new AddressDesk(voter, Peers!, _parts.Cache, _parts.Time).Map(peers);
    }

    public void Add(Loops loops)
    {
        if (Voter is null)
        {
            loops.Add("withdrawals of joins", _withdrawals.RunAsync);
            return;
        }

        loops.Add("cluster's records", ClusterRecordsAsync);
        loops.Add("cluster's etcd", Voter.RunAsync);
        loops.Add("lost address", new LostAddress(Voter, Restart, _parts.Time).RunAsync);
        loops.Add("address in the cluster", new AddressTrial(_parts, Voter, Peers!, Admin!, _parts.Loggers.CreateLogger<AddressTrial>()).RunAsync);
        loops.Add("room in the cluster's etcd", new EtcdRoom(
            Admin!, () => Voter.Membership.EtcdMember is null ? null : EtcdArguments.PrivateClient(_parts.Instance), EtcdArguments.QuotaBytes, _parts.Time, _parts.Loggers.CreateLogger<EtcdRoom>()).RunAsync);
        loops.Add("cluster's trust", Trust!.RunAsync);
        loops.Add("standing in the cluster", new Standing(_parts.Instance, Voter, Trust.Certificate, _parts.Tls, _parts.Cache, Restart, _parts.Time, _parts.Loggers.CreateLogger<Standing>()).RunAsync);
    }

    /// <summary>As people see it.</summary>
    public async Task<ClusterStatus> StatusAsync(CacheSnapshot snapshot, CancellationToken cancellation) =>
        ClusterViews.Of(snapshot, _parts.Host.Id, Voter?.Membership, CaFingerprint, await VersionAsync(cancellation), _parts.Cache.IsStale, [.. OwnTroubles()]);

    /// <summary>As it will be, right before the switch.</summary>
    public ClusterStatus StatusOf(CacheSnapshot snapshot, Membership founding) => ClusterViews.Of(snapshot, _parts.Host.Id, founding, CaFingerprint, null, stale: false, []);

    /// <exception cref="ProblemException">This host is a member already, or cannot be one.</exception>
    public Membership Planned(ClusterInit init)
    {
        RequireAlone();
        if (init.Etcd is null && !EtcdServer.IsInstalled) throw EtcdServer.NotInstalled();
        var planned = new Membership { ClusterId = Guid.NewGuid().ToString(), ClusterName = init.Name, Address = OwnAddress(init.Address), Endpoints = init.Etcd?.Endpoints ?? [], External = init.Etcd };
        if (init.Etcd is not null) return planned;
        var addresses = Addresses.Of(_parts.Instance, planned.Address);
        return planned with { Endpoints = [Addresses.EtcdClient(addresses)], EtcdInitialCluster = $"{_parts.Host.Id}={Addresses.EtcdPeer(addresses)}" };
    }

    public Task FoundAsync(Membership planned, CancellationToken cancellation) =>
        new Founding(_parts.Instance, _parts.Host.Id, _parts.Tls, _parts.Names, _parts.Store, _parts.Time, _parts.Loggers).RunAsync(planned, cancellation);

    public Task<ClusterJoined> JoinAsync(ClusterJoin join, JoinToken token, Func<string, Task> beforeSwitch, CancellationToken cancellation)
    {
        RequireAlone();
        return _withdrawals.HoldAsync(() => new Joining(_parts).RunAsync(join, token, beforeSwitch, cancellation), cancellation);
    }

    /// <exception cref="ProblemException">This host is alone.</exception>
    public AddressChange ChangeAddress() => Voter is { } voter ? new AddressChange(_parts, voter, Peers!) : throw Alone();

    /// <exception cref="ProblemException">This host is alone.</exception>
    public HostTrust RequireTrust() => Trust ?? throw Alone();

    /// <summary>Of all members, this one first.</summary>
    /// <exception cref="ProblemException">This host is alone.</exception>
    public IReadOnlyList<string> PeerAddresses(CacheSnapshot snapshot) =>
        Addresses.Peers(snapshot, _parts.Host.Id, Addresses.Of(_parts.Instance, (Voter ?? throw Alone()).Membership.Address));

    public void Dispose()
    {
        Peers?.Dispose();
        Admin?.Dispose();
        _parts.Start?.Etcd.Dispose();
        _parts.Start?.Certificate.Dispose();
    }

    internal static string OwnAddress(string? wanted) => HostAddressRules.Choose(wanted, HostAddressRules.Own());

    /// <summary>What this host sees of itself, and the others cannot.</summary>
    private IEnumerable<string> OwnTroubles()
    {
        if (Voter?.Membership is not { } membership) yield break;
        if (!membership.IsThere(HostAddressRules.Own()))
            yield return $"This host's address {membership.Address} is gone from the machine: the others do not reach it. Bring it back, or name another one: lamina cluster address ADDRESS";
        if (membership.EtcdMember is not null && EtcdTrouble.Of(_parts.Instance) is { } trouble) yield return trouble;
    }

    private async Task<string?> VersionAsync(CancellationToken cancellation)
    {
        if (Admin is null || _parts.Start!.Membership.External is not null) return null;
        try
        {
            return (await Admin.StatusAsync(cancellation)).Version;
        }
        catch (EtcdAdminException)
        {
            return null;
        }
    }

    /// <summary>Writes what this host's start has settled: that there is a cluster, and where this host is reached. Then waits.</summary>
    private async Task ClusterRecordsAsync(CancellationToken cancellation)
    {
        await new ClusterRecords(_parts, Voter!.Membership).EnsureAsync(cancellation);
        if (Voter.Membership.Untold is not null) await Voter.ToldAsync(cancellation);
        await Task.Delay(Timeout.InfiniteTimeSpan, _parts.Time, cancellation);
    }

    private void RequireAlone()
    {
        if (Voter is { } voter) throw new ProblemException(
            ProblemKind.Conflict, "cluster.already", $"This host is a member of the cluster '{voter.Membership.ClusterName}' already.", "See 'lamina cluster status'.");
    }

    private static ProblemException Alone() => new(ProblemKind.Conflict, "cluster.alone", "This host is alone.", "Make it the first of a cluster: lamina cluster init --name NAME");
}
