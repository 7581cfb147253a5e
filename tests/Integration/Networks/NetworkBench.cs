using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Networks;
using Lamina.Testing;
using Lamina.Testing.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lamina.Tests.Integration.Networks;

/// <summary>
/// A host in a network namespace of its own, with its networks, a store, and an uplink to another namespace that stands for the world. Guests are
/// namespaces too, plugged in by a veth that bears the name of their card's tap.
/// </summary>
internal sealed class NetworkBench : IAsyncDisposable
{
    public const string WorldAddress = "10.99.0.1";
    public const string UplinkAddress = "10.99.0.2";
    private const string HostId = "bench";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder = new();
    private readonly TestStore _store = TestStore.Create();
    private readonly List<NetworkNamespace> _guests = [];

    private NetworkBench()
    {
        // The last number: a real instance takes the lowest free one.
        Instance = InstanceClaim.Derive(new InstanceOptions { Name = "t" + Guid.NewGuid().ToString("N")[..10], RunDirectory = _folder.Path, DataDirectory = _folder.File("data") }) with
        {
            Number = Instance.LastNumber,
        };
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)0b111_101_101);
        Store = new AwayStore(_store.Store);
        Cache = new Cache(_store.Store, Keys.Cached, TimeProvider.System, NullLogger<Cache>.Instance);
    }

    public NetworkNamespace Host { get; } = new();

    public NetworkNamespace World { get; } = new();

    public Instance Instance { get; private set; }

    public Cache Cache { get; }

    /// <summary>As the host's networks have it: it can be put out of their reach.</summary>
    public AwayStore Store { get; }

    public ShiftedTime Time { get; } = new();

    public Netlink Netlink { get; private set; } = null!;

    public HostNetworks? Networks { get; private set; }

    public string NetworkId { get; private set; } = "";

    public NetworkStatus? Status => StatusOf(NetworkId);

    public Link Bridge => Netlink.FindLink(Instance.LinkName(NetworkId, "bridge"))!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<NetworkBench> CreateAsync()
    {
        var bench = new NetworkBench();
        await bench.Cache.StartAsync(Cancellation);
        bench.Netlink = bench.Host.Run(() => new Netlink());
        bench.Connect();
        await bench.RestartAsync();
        await bench.Networks!.EnsureDefaultAsync(null, Cancellation);
        bench.NetworkId = bench.Cache.Snapshot.Get(Keys.Names, Keys.NameId("default", "network", "default"))!.Record.Owner;
        return bench;
    }

    /// <summary>As a daemon that was killed and started again: nothing is undone, everything is found anew.</summary>
    public async Task RestartAsync()
    {
        if (Networks is not null) await Host.RunAsync(async () => await Networks.DisposeAsync());
        Networks = Host.Run(
            () => new HostNetworks(Instance, HostId, Store, Cache, new EventLog(TimeProvider.System, "bench"), Time, NullLogger<HostNetworks>.Instance));
    }

    /// <summary>Applies the records, and waits until their status can be read.</summary>
    public async Task<IReadOnlyDictionary<string, Exception>> ApplyAsync()
    {
        var failures = await Host.RunAsync(() => Networks!.ApplyAsync(Cancellation));
        await CommitAsync(new StoreChange("test.mark").Put(Keys.Projects, "mark", new ProjectSpec { Name = "mark" }));
        return failures;
    }

    public async Task<string> AddVmAsync(string name, VmNic nic)
    {
        var id = Guid.NewGuid().ToString();
        var spec = new VmSpec { Name = name, Cpus = 1, MemoryMiB = 64, Machine = new() { Type = "pc-q35-7.2", CpuModel = "qemu64", MaxCpus = 1 }, Nics = [nic] };
        await CommitAsync(new StoreChange("test.vm").Create(Keys.Vms.Spec, id, spec));
        return id;
    }

    /// <summary>Makes or changes a firewall group.</summary>
    public Task PutGroupAsync(string id, FirewallGroupSpec group) => CommitAsync(new StoreChange("test.group").Put(Keys.FirewallGroups, id, group));

    public Task ChangeNicAsync(string vmId, Func<VmNic, VmNic> how)
    {
        var vm = Cache.Snapshot.Get(Keys.Vms.Spec, vmId)!;
        return CommitAsync(new StoreChange("test.nic").Update(Keys.Vms.Spec, vmId, vm.Record with { Nics = [.. vm.Record.Nics.Select(how)] }, vm.ModRevision));
    }

    /// <summary>Another member of the cluster, which lives until <see cref="LoseMemberAsync"/>.</summary>
    public Task AddMemberAsync(string id, string address) => CommitAsync(new StoreChange("test.member")
        .Put(Keys.Hosts.Spec, id, new HostSpec { Name = id, Addresses = new() { Api = address, Peer = address, Migration = address[..address.LastIndexOf(':')] } })
        .Put(Keys.Hosts.Live, id, new HostLive { Incarnation = "1", Since = DateTimeOffset.UnixEpoch }));

    public Task LoseMemberAsync(string id) => CommitAsync(new StoreChange("test.lost").Delete(Keys.Hosts.Live[id]));

    /// <summary>Another network than the default one.</summary>
    public async Task<string> AddNetworkAsync(NetworkSpec spec)
    {
        var id = Guid.CreateVersion7().ToString();
        await PutNetworkAsync(id, spec);
        return id;
    }

    public Task PutNetworkAsync(string id, NetworkSpec spec) => CommitAsync(new StoreChange("test.network").Put(Keys.Networks.Spec, id, spec));

    public Task DeleteNetworkAsync(string id) => CommitAsync(new StoreChange("test.gone").DeletePrefix(Keys.Networks.All(id)));

    public NetworkSpec SpecOf(string network) => Cache.Snapshot.Get(Keys.Networks.Spec, network)!.Record;

    public NetworkStatus? StatusOf(string network) => Cache.Snapshot.Get(Keys.Networks.OnHost, Keys.Networks.OnHostId(network, HostId))?.Record;

    public Task RemoveVmAsync(string id) => CommitAsync(new StoreChange("test.gone").DeletePrefix(Keys.Vms.All(id)));

    public Task RemoveNetworkAsync() => CommitAsync(new StoreChange("test.gone")
        .DeletePrefix(Keys.Networks.All(NetworkId))
        .Delete(Keys.Names[Keys.NameId("default", "network", "default")]));

    /// <summary>A card of the default network.</summary>
    public VmNic Nic(string mac, int guest) => new()
    {
        Slot = 0, Network = NetworkId, Mac = mac, Address = Subnet.Parse(Instance.DefaultSubnet)!.Value.Guest(guest),
    };

    /// <summary>Plugs a namespace in as a guest, its link down and without an address.</summary>
    public Guest Plug(string vmId, VmNic nic) => Plug(vmId, nic, Bridge.Name);

    public Guest Plug(string vmId, VmNic nic, string bridge)
    {
        var space = new NetworkNamespace();
        _guests.Add(space);
        var tap = Instance.LinkName(vmId, "nic0");
        Netlink.CreateVeth(tap, "eth0", space.File);
        Netlink.Change(tap, new() { Alias = Instance.LinkOwner(vmId, "nic0"), Master = bridge, Up = true });
        var guest = new Guest(space, _folder);
        guest.SetMac(nic.Mac);
        return guest;
    }

    public Task<CommandResult> RunAsync(string script) => Guest.ShellAsync(Host, script);

    public async ValueTask DisposeAsync()
    {
        foreach (var server in Dnsmasqs())
        {
            using var process = ChildProcess.Adopt(server);
            if (process?.Send(Signal.Kill) == true) await process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
        }

        await Host.RunAsync(async () => await Networks!.DisposeAsync());
        Netlink.Dispose();
        foreach (var guest in _guests) guest.Dispose();
        World.Dispose();
        Host.Dispose();
        await Cache.DisposeAsync();
        await _store.DisposeAsync();
        _folder.Dispose();
    }

    public IReadOnlyList<ProcessIdentity> Dnsmasqs() =>
        ProcessIdentity.FindByArgument($"--conf-file={_folder.Path}/networks/{NetworkId}/dnsmasq.conf");

    private void Connect()
    {
        Netlink.CreateVeth("uplink", "eth0", World.File);
        Netlink.Change("uplink", new() { Up = true });
        Netlink.Change("lo", new() { Up = true });
        Netlink.AddAddress("uplink", System.Net.IPAddress.Parse(UplinkAddress), 24);
        using var there = World.Run(() => new Netlink());
        there.Change("eth0", new() { Up = true });
        there.AddAddress("eth0", System.Net.IPAddress.Parse(WorldAddress), 24);
    }

    private async Task CommitAsync(StoreChange change)
    {
        var result = await change.CommitAsync(_store.Store, TimeProvider.System, Cancellation);
        Assert.True(result.Succeeded);
        Assert.True(await Cache.WaitForRevisionAsync(result.Revision, Patience, Cancellation));
    }
}

/// <summary>A clock that can be put forward.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private long _shift;

    public override long TimestampFrequency => BootTimeProvider.Shared.TimestampFrequency;

    public override long GetTimestamp() => BootTimeProvider.Shared.GetTimestamp() + Interlocked.Read(ref _shift);

    public void Advance(TimeSpan span) => Interlocked.Add(ref _shift, span.Ticks * 100);
}
