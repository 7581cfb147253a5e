using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Network;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Networks.Firewall;
using Lamina.Server.Store;

namespace Lamina.Server.Networks;

/// <summary>
/// The networks on this machine: bridges, packet rules, dnsmasq and the taps of cards, brought to where the records say at start, at each change and each
/// minute. Touches only what bears our names and aliases (decision 18).
/// </summary>
internal sealed partial class HostNetworks : IAsyncDisposable
{
    public const string DefaultName = "default";

    /// <summary>The one key of the loop: packet rules are one whole.</summary>
    private const string Everything = "networks";

    /// <summary>Another one, so that a look at everything in between does not put off a deadline.</summary>
    private const string Deadline = "deadline";
    private const string BridgeFilter = "net/bridge/bridge-nf-call-iptables";
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan VerifyInterval = TimeSpan.FromSeconds(55);
    private static readonly TimeSpan RestartPause = TimeSpan.FromSeconds(1);

    private readonly Instance _instance;
    private readonly string _hostId;
    private readonly IStore _store;
    private readonly Cache _cache;
    private readonly EventLog _events;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Netlink _netlink = new();
    private readonly HostNftables _nftables;
    private readonly HostUplinks _uplinks;
    private readonly Dictionary<string, DnsmasqServer> _servers = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly ControllerLoop _loop;
    private volatile IReadOnlyDictionary<string, PlannedNetwork> _applied = new Dictionary<string, PlannedNetwork>();
    private long? _verified;
    private volatile bool _disposed;

    public HostNetworks(Instance instance, string hostId, IStore store, Cache cache, EventLog events, TimeProvider time, ILogger<HostNetworks> logger)
    {
        (_instance, _hostId, _store, _cache, _events, _time, _logger) = (instance, hostId, store, cache, events, time, logger);
        _nftables = new(instance.NftTable);
        Firewall = new(instance, _netlink);
        _uplinks = new(_netlink, new(instance.UplinksDirectory), new(hostId, store, cache, time), time, HostClock.ReadBootId());
        _loop = new("networks", ReconcileAsync, time, logger, new() { Workers = 1 });
    }

    /// <summary>The filter of cards.</summary>
    public HostFirewall Firewall { get; }

    /// <summary>Makes the network <c>default</c> at the first start.</summary>
    /// <param name="subnet">From the configuration; null: the instance's own.</param>
    /// <param name="cancellation">Ends the start.</param>
    public async Task EnsureDefaultAsync(string? subnet, CancellationToken cancellation)
    {
        var nameId = Keys.NameId(ProjectRecord.DefaultProject, "network", DefaultName);
        if (_cache.Snapshot.Get(Keys.Names, nameId) is not null) return;
        var id = Guid.CreateVersion7().ToString();
        var spec = new NetworkSpec { Name = DefaultName, Subnet = subnet ?? _instance.DefaultSubnet, CreatedAt = _time.GetUtcNow() };
        var change = new StoreChange("network.create").Create(Keys.Names, nameId, new Claim { Owner = id });
        change.Create(Keys.Networks.Spec, id, NetworkNumbers.Claim(change, _cache.Snapshot, id, spec));
        var result = await change.CommitAsync(_store, _time, cancellation);
        await _cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(5), cancellation);
    }

    /// <summary>What the rules of networks look at: the records, and this host as it is now.</summary>
    public NetworkWorld ReadWorld(CacheSnapshot snapshot) => new()
    {
        Instance = _instance,
        Snapshot = snapshot,
        Links = _netlink.ListLinks(),
        Routes = _netlink.ListRoutes(),
        Listeners = HostListener.Read(),
        UplinkOf = device => UplinkFacts.Read(_netlink, device),
    };

    /// <summary>What may keep guests from the world, for doctor.</summary>
    public HostNetworkFacts ReadFacts(CacheSnapshot snapshot)
    {
        var links = _netlink.ListLinks();
        var needsWay = snapshot.All(Keys.Networks.Spec).Any(network => network.Record.Kind == NetworkKind.Nat);
        return new()
        {
            Forwards = needsWay ? Sysctl.Read("net/ipv4/ip_forward") == "1" : null,
            Firewalls = _nftables.Foreign,
            FiltersBridges = Sysctl.Exists(BridgeFilter) && Sysctl.Read(BridgeFilter) == "1",
            Managed =
            [
                .. snapshot.All(Keys.Networks.Spec)
                    .Where(network => network.Record.Bridge is { Existing: false, Vlan: null })
                    .Select(network => (network.Record.Name, Link: links.FirstOrDefault(link => link.Name == network.Record.Bridge!.Device)))
                    .Where(found => found.Link is not null)
                    .Select(found => (found.Name, found.Link!.Name, Manager: LinkManager.Of(found.Link.Name, found.Link.Index)!))
                    .Where(found => found.Manager is not null),
            ],
            OnFilteringBridges =
            [
                .. snapshot.All(Keys.Networks.Spec)
                    .Where(network => network.Record.Bridge is { Existing: true, Vlan: not null } bridge && HostVlans.IsFiltering(bridge.Device))
                    .Select(network => (network.Record.Name, network.Record.Bridge!.Device, network.Record.Bridge.Vlan!.Value)),
            ],
            Leftovers = InstanceSubnets.LeftoversOf(links, _instance),
        };
    }

    /// <summary>Keeps everything in place until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var subscription = _cache.Subscribe(Keys.Networks.Spec, Keys.Vms.Spec, Keys.FirewallGroups, Keys.Vms.Assignment, Keys.Hosts.Spec);
        await Task.WhenAll(
            _loop.RunAsync(cancellation),
            _loop.FollowAsync(subscription, KeyOf, _ => [Everything], cancellation));
    }

    /// <summary>Where a VM is matters only where there are several hosts.</summary>
    private string? KeyOf(CacheChange change) =>
        change.Kind == Keys.Vms.Assignment && !OverlayPlan.HasOthers(_cache.Snapshot, _hostId) ? null : Everything;

    /// <summary>
    /// Makes the tap of a card, with its rules in place before its first frame, in its bridge, and persistent, for the engine to open by name. The card must
    /// stand in the VM's recorded spec.
    /// </summary>
    /// <returns>The tap's name.</returns>
    /// <exception cref="ProblemException">The network is not up.</exception>
    public async Task<string> PlugAsync(string vmId, VmNic nic, CancellationToken cancellation)
    {
        var tap = NetworkPlan.TapOf(_instance, vmId, nic.Slot);
        if (FindServed(tap, nic) is not { } network)
        {
            await ApplyAsync(cancellation);
            network = FindServed(tap, nic) ?? throw NotUp(nic);
        }

        NicTaps.Create(_netlink, tap, NetworkPlan.TapOwner(_instance, vmId, nic.Slot), network);
        Firewall.Pace(tap);
        return tap;
    }

    /// <summary>Takes the tap of a card that runs to the network in which its record has it now.</summary>
    /// <exception cref="ProblemException">The network is not up.</exception>
    public async Task MoveAsync(string vmId, VmNic nic, CancellationToken cancellation)
    {
        var tap = NetworkPlan.TapOf(_instance, vmId, nic.Slot);
        if (FindServed(tap, nic) is not { } network)
        {
            await ApplyAsync(cancellation);
            network = FindServed(tap, nic) ?? throw NotUp(nic);
        }

        _netlink.Change(tap, new() { MtuBytes = network.MtuBytes, Master = network.Bridge });
        Firewall.Pace(tap);
    }

    /// <summary>Takes a card's tap out of its bridge and down, but leaves it to the guest that still holds it; one that is not there is fine.</summary>
    public void Cut(string vmId, int slot) => Cut(NetworkPlan.TapOf(_instance, vmId, slot));

    private void Cut(string tap)
    {
        if (_netlink.FindLink(tap)?.Alias is { } alias && LinkOwner.Parse(alias)?.Instance == _instance.Name) _netlink.Change(tap, new() { Up = false, Master = "" });
    }

    /// <summary>Removes the tap of a card; one that is not there is fine. Its rules stay as long as its record does.</summary>
    public void Unplug(string vmId, int slot)
    {
        var tap = NetworkPlan.TapOf(_instance, vmId, slot);
        if (_netlink.FindLink(tap)?.Alias == NetworkPlan.TapOwner(_instance, vmId, slot)) _netlink.DeleteLink(tap);
    }

    /// <summary>Brings everything to where the newest records say, and tells each network's status.</summary>
    /// <returns>What failed, by the network's id.</returns>
    public async Task<IReadOnlyDictionary<string, Exception>> ApplyAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            var snapshot = _cache.Snapshot;
            var plan = HostIpv6.Apply(_netlink, OverlayPlan.Apply(_instance, _hostId, snapshot, NetworkPlan.From(_instance, snapshot)));
            // A card that has left its VM's record may still be held by its guest: it is cut off before its rules go. A network's lost record cuts nobody off.
            foreach (string gone in _applied.Values.SelectMany(network => network.Nics).Select(nic => nic.Tap).Except(NetworkPlan.TapsOf(_instance, snapshot))) Cut(gone);
            var uplinks = new Dictionary<string, NetworkUplink>(StringComparer.Ordinal);
            var failures = new Dictionary<string, Exception>(StringComparer.Ordinal);
            foreach (var (network, failure) in _uplinks.RemoveOthers(NetworkPlan.Present(snapshot).Select(spec => spec.Id).ToHashSet(StringComparer.Ordinal)))
                failures[network] = failure;
            await ApplyBridgesAsync(plan, failures, uplinks, cancellation);
            if (_uplinks.UntilLook is { } left) _loop.WakeAfter(Deadline, left);
            await ServeAsync(plan, snapshot, failures, uplinks, cancellation);
            await NumberAsync(snapshot, cancellation); // after the host: what must be taken back there waits for no store
            await WriteStatusesAsync(snapshot, plan, failures, uplinks, cancellation);
            return failures;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Removes what belongs to networks and VMs that are no more, and lists what is in use nevertheless.</summary>
    public async Task<SweepReport> SweepAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            return await new NetworkSweep(_instance, _netlink, ServerOf, _time).SweepAsync(() => _cache.Snapshot, cancellation);
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Bridges, rules and dnsmasq stay: guests need them while the daemon is away.</summary>
    public async ValueTask DisposeAsync()
    {
        _disposed = true;
        await _loop.DisposeAsync();
        foreach (var server in _servers.Values) server.Dispose();
        Firewall.Dispose();
        _netlink.Dispose();
        _one.Dispose();
    }

    private async Task<Reconciled> ReconcileAsync(string key, CancellationToken cancellation)
    {
        var isGone = _applied.Keys.Any(id => _cache.Snapshot.Get(Keys.Networks.Spec, id) is null);
        var failures = await ApplyAsync(cancellation);
        if (isGone) await SweepAsync(cancellation); // deleted by another host, or by this one, which does so itself
        if (failures.Count > 0) throw new AggregateException(failures.Values);
        return key == Everything ? Reconciled.After(RefreshInterval) : Reconciled.Done;
    }

    private async Task ApplyBridgesAsync(
        IReadOnlyList<PlannedNetwork> plan, Dictionary<string, Exception> failures, Dictionary<string, NetworkUplink> uplinks, CancellationToken cancellation)
    {
        foreach (var network in plan)
        {
            if (await FailureOfAsync(ApplyOneAsync) is { } failure) failures[network.Id] = failure;
            if (failures.GetValueOrDefault(network.Id) is UplinkRefusedException { Uplink: { } undone }) uplinks[network.Id] = undone;

            async Task ApplyOneAsync()
            {
                if (network.Kind != NetworkKind.Bridge) HostBridge.Apply(_netlink, network);
                else if (network.Uplink!.Vlan is { } vlan) uplinks[network.Id] = HostVlans.Apply(_netlink, _instance, network, vlan);
                else if (await _uplinks.ApplyAsync(network, cancellation) is { } uplink) uplinks[network.Id] = uplink;
            }
        }
    }

    private async Task ServeAsync(
        IReadOnlyList<PlannedNetwork> plan,
        CacheSnapshot snapshot,
        Dictionary<string, Exception> failures,
        Dictionary<string, NetworkUplink> uplinks,
        CancellationToken cancellation)
    {
        // Rules also for a network that failed: what is left of it must not lie open.
        if (await FailureOfAsync(() => ApplyRulesAsync(plan, FirewallPlan.From(_instance, snapshot, plan), cancellation)) is { } refusal)
        {
            foreach (var network in plan) failures.TryAdd(network.Id, refusal);
        }

        _applied = plan.Where(network => !failures.ContainsKey(network.Id) && IsPlugged(network)).ToDictionary(network => network.Id);
        foreach (var network in _applied.Values.Where(network => network.Kind != NetworkKind.Bridge))
        {
            if (FailureOf(() => HostOverlay.Apply(_netlink, _instance, network)) is { } cut) failures[network.Id] = cut;
            if (await FailureOfAsync(() => ServeAsync(network, cancellation)) is { } failure) failures[network.Id] = failure;
        }

        bool IsPlugged(PlannedNetwork network) => network.Kind != NetworkKind.Bridge || uplinks.GetValueOrDefault(network.Id)?.State == UplinkState.Confirmed;
    }

    private static Exception? FailureOf(Action step)
    {
        try
        {
            step();
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }

    private static async Task<Exception?> FailureOfAsync(Func<Task> step)
    {
        try
        {
            await step();
            return null;
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            return failure;
        }
    }

    private async Task ApplyRulesAsync(IReadOnlyList<PlannedNetwork> plan, FirewallPlan firewall, CancellationToken cancellation)
    {
        var wanted = NftRuleset.For(_instance.NftTable, plan);
        var isVerified = _verified is { } then && _time.GetElapsedTime(then) < VerifyInterval;
        await Firewall.ApplyAsync(firewall, verify: !isVerified, cancellation);
        if (isVerified)
        {
            await _nftables.ApplyAsync(wanted, cancellation);
            return;
        }

        await _nftables.RefreshAsync(wanted, cancellation);
        _verified = _time.GetTimestamp();
    }

    private async Task ServeAsync(PlannedNetwork network, CancellationToken cancellation)
    {
        var server = ServerOf(network.Id);
        var before = server.ProcessId;
        await server.ServeAsync(DnsmasqFiles.For(network, server.Folder), _time, cancellation);
        if (server.ProcessId != before) _ = WatchAsync(server, network.Name);
    }

    /// <summary>dnsmasq is started again when it ends; a pause keeps one that always ends from keeping the host busy.</summary>
    private async Task WatchAsync(DnsmasqServer server, string network)
    {
        await server.Ended;
        if (_disposed) return;
        LogEnded(_logger, network, server.TakeWords().Trim());
        _loop.WakeAfter(Everything, RestartPause);
    }

    private async Task WriteStatusesAsync(
        CacheSnapshot snapshot,
        IReadOnlyList<PlannedNetwork> plan,
        Dictionary<string, Exception> failures,
        Dictionary<string, NetworkUplink> uplinks,
        CancellationToken cancellation)
    {
        foreach (var spec in NetworkPlan.Present(snapshot))
        {
            var planned = plan.FirstOrDefault(network => network.Id == spec.Id);
            var status = NetworkStatuses.Make(spec.Record, planned, failures.GetValueOrDefault(spec.Id), uplinks.GetValueOrDefault(spec.Id));
            var own = Keys.Networks.OnHostId(spec.Id, _hostId);
            var known = snapshot.Get(Keys.Networks.OnHost, own);
            if (!NetworkStatuses.IsNews(known?.Record, status)) continue;
            var change = new StoreChange("network.status").RequireExists(Keys.Networks.Spec[spec.Id]).Put(Keys.Networks.OnHost, own, status);
            if (NetworkStatuses.EventOf(spec, known?.Record, status) is { } draft) _events.Add(change, draft);
            await change.CommitAsync(_store, _time, cancellation);
        }
    }

    /// <summary>Networks from before there were several hosts get their number now; of two hosts that try at once one wins.</summary>
    private async Task NumberAsync(CacheSnapshot snapshot, CancellationToken cancellation)
    {
        if (!OverlayPlan.HasOthers(snapshot, _hostId)) return;
        foreach (var network in NetworkPlan.Present(snapshot).Where(network => network.Record is { Vni: null, Kind: not NetworkKind.Bridge }))
        {
            var change = new StoreChange("network.number");
            change.Update(Keys.Networks.Spec, network.Id, NetworkNumbers.Claim(change, snapshot, network.Id, network.Record), network.ModRevision);
            await change.CommitAsync(_store, _time, cancellation);
        }
    }

    private DnsmasqServer ServerOf(string networkId)
    {
        if (!_servers.TryGetValue(networkId, out var server)) _servers[networkId] = server = new(NetworkSweep.FolderOf(_instance, networkId), _instance.DnsmasqUserId);
        return server;
    }

    private PlannedNetwork? FindServed(string tap, VmNic nic) =>
        _applied.GetValueOrDefault(nic.Network ?? "") is { } network
        && Firewall.Serves(tap, nic)
        && network.Nics.Any(served => served.Tap == tap && served.Mac == nic.Mac && served.Address == nic.Address)
            ? network
            : null;

    private ProblemException NotUp(VmNic nic)
    {
        var name = _cache.Snapshot.Get(Keys.Networks.Spec, nic.Network ?? "")?.Record.Name ?? nic.Network;
        var reason = _cache.Snapshot.Get(Keys.Networks.OnHost, Keys.Networks.OnHostId(nic.Network ?? "", _hostId))?.Record.Failure;
        return new(
            ProblemKind.Conflict, "network.notUp", $"Network {name} is not up. {reason?.Message}".TrimEnd(),
            reason?.Remedy ?? $"See why: lamina network show {name}");
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "dnsmasq of network {Network} ended and is started again: {Words}")]
    private static partial void LogEnded(ILogger logger, string network, string words);
}
