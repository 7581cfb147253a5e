using System.Net;
using Lamina.Api;
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

/// <summary>Hosts of one cluster, each in a network namespace of its own with its own networks, over one store, and on one wire.</summary>
internal sealed class OverlayBench : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly TemporaryFolder _folder = new();
    private readonly TestStore _store = TestStore.Create();
    private readonly List<OverlayHost> _hosts = [];
    private readonly NetworkNamespace _wire = new();
    private readonly List<NetworkNamespace> _guests = [];

    private OverlayBench()
    {
        File.SetUnixFileMode(_folder.Path, (UnixFileMode)0b111_101_101);
        Cache = new Cache(_store.Store, Keys.Cached, TimeProvider.System, NullLogger<Cache>.Instance);
    }

    public Cache Cache { get; }

    public IReadOnlyList<OverlayHost> Hosts => _hosts;

    public string NetworkId { get; private set; } = "";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<OverlayBench> CreateAsync(int hosts)
    {
        var bench = new OverlayBench();
        await bench.Cache.StartAsync(Cancellation);
        using (var wire = bench._wire.Run(() => new Netlink())) wire.CreateBridge("wire", new() { Up = true });
        for (var number = 1; number <= hosts; number++) await bench.AddHostAsync(number);
        await bench._hosts[0].Networks.EnsureDefaultAsync("192.168.199.0/24", Cancellation);
        bench.NetworkId = bench.Cache.Snapshot.Get(Keys.Names, Keys.NameId("default", "network", "default"))!.Record.Owner;
        await bench.ApplyAsync();
        return bench;
    }

    /// <summary>Every host brings itself to where the records are.</summary>
    public async Task ApplyAsync()
    {
        foreach (var host in _hosts) await host.ApplyAsync();
        foreach (var host in _hosts) await host.ApplyAsync(); // the first may have given a network its number
    }

    public async Task<(string Vm, VmNic Nic)> AddVmAsync(string name, int guest, OverlayHost host)
    {
        var id = Guid.NewGuid().ToString();
        var nic = new VmNic { Slot = 0, Network = NetworkId, Mac = $"52:54:00:00:01:{guest:x2}", Address = $"192.168.199.{guest}" };
        var spec = new VmSpec { Name = name, Cpus = 1, MemoryMiB = 64, Machine = new() { Type = "pc-q35-7.2", CpuModel = "qemu64", MaxCpus = 1 }, Nics = [nic] };
        await CommitAsync(new StoreChange("test.vm").Create(Keys.Vms.Spec, id, spec).Create(Keys.Vms.Assignment, id, new VmAssignment { Host = host.Id, Epoch = 1 }));
        return (id, nic);
    }

    /// <summary>As COMMIT of a hand-over does.</summary>
    public Task AssignAsync(string vm, OverlayHost host) =>
        CommitAsync(new StoreChange("test.commit").Put(Keys.Vms.Assignment, vm, new VmAssignment { Host = host.Id, Epoch = 2, Cause = AssignmentCause.Handover }));

    public Task RemoveHostAsync(OverlayHost host) => CommitAsync(new StoreChange("test.leave").DeletePrefix(Keys.Hosts.All(host.Id)));

    /// <summary>A namespace as a guest on a host, not yet with an address.</summary>
    public Guest Plug(OverlayHost host, string vm, VmNic nic)
    {
        var space = new NetworkNamespace();
        _guests.Add(space);
        Plug(host, vm, space);
        var guest = new Guest(space, _folder);
        guest.SetMac(nic.Mac);
        return guest;
    }

    /// <summary>The same guest on another host: its memory is that of before, its card is not.</summary>
    public void Move(Guest guest, string vm, VmNic nic, OverlayHost from, OverlayHost to)
    {
        from.Netlink.DeleteLink(from.Instance.LinkName(vm, "nic0"));
        Plug(to, vm, guest.Space);
        guest.SetMac(nic.Mac);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var host in _hosts) await host.DisposeAsync();
        foreach (var guest in _guests) guest.Dispose();
        _wire.Dispose();
        await Cache.DisposeAsync();
        await _store.DisposeAsync();
        _folder.Dispose();
    }

    private static void Plug(OverlayHost host, string vm, NetworkNamespace space)
    {
        var tap = host.Instance.LinkName(vm, "nic0");
        host.Netlink.CreateVeth(tap, "eth0", space.File);
        host.Netlink.Change(tap, new() { Alias = host.Instance.LinkOwner(vm, "nic0"), Master = host.Bridge, Up = true });
    }

    private async Task AddHostAsync(int number)
    {
        var id = $"host{number}";
        var address = $"10.98.0.{number}";
        var instance = InstanceClaim.Derive(new InstanceOptions { Name = "o" + Guid.NewGuid().ToString("N")[..10], RunDirectory = _folder.File(id), DataDirectory = _folder.File(id + "-data") }) with
        {
            Number = Instance.LastNumber - number, // other ports on each
        };
        Directory.CreateDirectory(instance.RunDirectory, (UnixFileMode)0b111_101_101);
        var spec = new HostSpec { Name = id, Addresses = new() { Api = $"{address}:{instance.ApiPort}", Peer = $"{address}:{instance.PeerPort}", Migration = address } };
        await CommitAsync(new StoreChange("test.host").Create(Keys.Hosts.Spec, id, spec));
        var host = new OverlayHost(id, instance, _store.Store, Cache, () => NetworkId);
        _hosts.Add(host);
        using (var wire = _wire.Run(() => new Netlink()))
        {
            wire.CreateVeth($"port{number}", "uplink", host.Space.File);
            wire.Change($"port{number}", new() { Master = "wire", Up = true });
        }

        host.Netlink.Change("uplink", new() { Up = true });
        host.Netlink.Change("lo", new() { Up = true });
        host.Netlink.AddAddress("uplink", IPAddress.Parse(address), 24);
    }

    private async Task CommitAsync(StoreChange change)
    {
        var result = await change.CommitAsync(_store.Store, TimeProvider.System, Cancellation);
        Assert.True(result.Succeeded);
        Assert.True(await Cache.WaitForRevisionAsync(result.Revision, Patience, Cancellation));
    }

    /// <summary>One host of the cluster.</summary>
    internal sealed class OverlayHost(string id, Instance instance, Server.Store.IStore store, Cache cache, Func<string> network) : IAsyncDisposable
    {
        private HostNetworks? _networks;
        private Netlink? _netlink;

        public string Id => id;

        public Instance Instance => instance;

        public NetworkNamespace Space { get; } = new();

        public Netlink Netlink => _netlink ??= Space.Run(() => new Netlink());

        public HostNetworks Networks => _networks ??=
            Space.Run(() => new HostNetworks(instance, id, store, cache, new EventLog(TimeProvider.System, id), TimeProvider.System, NullLogger<HostNetworks>.Instance));

        public string Bridge => instance.LinkName(network(), "bridge");

        public Link? Overlay => Netlink.FindLink(instance.LinkName(network(), "overlay"));

        public NetworkStatus? Status => cache.Snapshot.Get(Keys.Networks.OnHost, Keys.Networks.OnHostId(network(), id))?.Record;

        public async Task ApplyAsync()
        {
            var networks = Networks; // made in the namespace, so not from within it
            Assert.Empty(await Space.RunAsync(() => networks.ApplyAsync(Cancellation)));
        }

        public Task<CommandResult> RunAsync(string script) => Guest.ShellAsync(Space, script);

        public async ValueTask DisposeAsync()
        {
            foreach (var server in ProcessIdentity.FindByArgument($"--conf-file={instance.RunDirectory}/networks/{network()}/dnsmasq.conf"))
            {
                using var process = ChildProcess.Adopt(server);
                if (process?.Send(Signal.Kill) == true) await process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
            }

            if (_networks is not null) await Space.RunAsync(async () => await _networks.DisposeAsync());
            _netlink?.Dispose();
            Space.Dispose();
        }
    }
}
