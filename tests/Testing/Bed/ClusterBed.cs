using System.Net;
using Lamina.Linux.Network;

namespace Lamina.Testing.Bed;

/// <summary>
/// Several hosts on this machine: each a real laminad in a network, mount and UTS namespace of its own, with its own data, real etcd and real QEMU. They have a bridge in common and
/// the folder <see cref="Shared"/>, and see nothing else of each other. Give it back by <c>await using</c>: everything goes.
/// </summary>
internal sealed class ClusterBed : IAsyncDisposable
{
    /// <summary>Of all addresses on the bed's network; the number of the host follows.</summary>
    public const string Prefix = "10.91.0.";

    /// <summary>How many hosts a bed has room for.</summary>
    public const int Most = 5;

    private const string Bridge = "lan";

    private readonly NetworkNamespace _switch = new();
    private readonly List<BedHost> _hosts = [];
    private int _plugs;
    private readonly string _name = Guid.NewGuid().ToString("N")[..5];

    private ClusterBed()
    {
        Folder = Directory.CreateTempSubdirectory("lc").FullName;
        File.SetUnixFileMode(Folder, (UnixFileMode)0b111_001_001); // dnsmasq's user must find its files below
        Directory.CreateDirectory(Shared);
        Directory.CreateDirectory(Nothing);
        for (int number = 1; number <= Most; number++) Directory.CreateDirectory(FolderOf(number));
        _switch.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.Change("lo", new LinkChange { Up = true });
            netlink.CreateBridge(Bridge, new LinkChange { Up = true });
            netlink.AddAddress(Bridge, Observer, 24);
            for (int number = 1; number <= Most; number++) netlink.AddAddress(Bridge, IPAddress.Parse($"{Prefix}{BedRelay.FirstAlias + number}"), 24);
        });
        Links = new BedLinks(_switch);
    }

    public string Folder { get; }

    /// <summary>A directory that all hosts see: storage that they share.</summary>
    public string Shared => Path.Combine(Folder, "shared");

    /// <summary>Of the switch between the hosts: where a test listens that belongs to none of them.</summary>
    public IPAddress Observer { get; } = IPAddress.Parse($"{Prefix}254");

    /// <summary>The lines between the hosts.</summary>
    public BedLinks Links { get; }

    /// <summary>In the order of their making: host1, host2…</summary>
    public IReadOnlyList<BedHost> Hosts => _hosts;

    /// <summary>An empty folder, laid over those of the other hosts.</summary>
    private string Nothing => Path.Combine(Folder, "nothing");

    /// <summary>A bed with hosts that run, each alone.</summary>
    /// <param name="hosts">How many.</param>
    /// <param name="supervised">See <see cref="BedHost.IsSupervised"/>.</param>
    public static async Task<ClusterBed> StartAsync(int hosts, bool supervised = false)
    {
        var bed = new ClusterBed();
        try
        {
            for (int index = 0; index < hosts; index++) bed.Add().IsSupervised = supervised;
            await Task.WhenAll(bed.Hosts.Select(host => host.StartAsync()));
            return bed;
        }
        catch
        {
            await bed.DisposeAsync();
            throw;
        }
    }

    /// <summary>A bed whose hosts are one cluster; with three of them all three vote.</summary>
    /// <param name="hosts">How many.</param>
    /// <param name="supervised">See <see cref="BedHost.IsSupervised"/>.</param>
    public static async Task<ClusterBed> StartClusterAsync(int hosts, bool supervised = false)
    {
        var bed = await StartAsync(hosts, supervised);
        try
        {
            await bed.Hosts[0].LaminaAsync("cluster", "init", "--name", "bed");
            foreach (var host in bed.Hosts.Skip(1)) await bed.JoinAsync(host);
            if (hosts >= 3) await bed.WaitForVotersAsync(3);
            return bed;
        }
        catch
        {
            await bed.DisposeAsync();
            throw;
        }
    }

    /// <summary>A further host; it is not started yet.</summary>
    public BedHost Add()
    {
        int number = _hosts.Count + 1;
        if (number > Most) throw new InvalidOperationException($"a bed has room for {Most} hosts");
        var host = new BedHost(number, $"c{_name}{number}", FolderOf(number), [.. Enumerable.Range(1, Most).Where(other => other != number).Select(FolderOf)], Nothing);
        string port = PortOf(number);
        _switch.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.CreateVeth(port, BedHost.Link, host.Network.File);
            netlink.Change(port, new LinkChange { Master = Bridge, Up = true });
        });
        host.Network.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.Change("lo", new LinkChange { Up = true });
            netlink.AddAddress(BedHost.Link, IPAddress.Parse(host.Address), 24);
            netlink.Change(BedHost.Link, new LinkChange { Up = true });
        });
        _hosts.Add(host);
        return host;
    }

    /// <summary>Makes a token on the first host and joins by it.</summary>
    public async Task JoinAsync(BedHost host) => await host.LaminaAsync("cluster", "join", (await Hosts[0].LaminaAsync("cluster", "token")).Trim());

    /// <summary>Waits until so many hosts vote on the store.</summary>
    /// <param name="voters">How many.</param>
    /// <param name="asked">Which host is asked; null: the first.</param>
    public Task WaitForVotersAsync(int voters, BedHost? asked = null) => Eventually.BecomesAsync(
        async cancellation => (await (asked ?? Hosts[0]).Client.Cluster.GetAsync(cancellation)).Members.Count(member => member.Role == Api.ClusterRole.Voter) == voters, $"{voters} hosts vote");

    /// <summary>Plugs a machine that is no host of the product into the network: a listener, or hosts to compare with.</summary>
    /// <param name="machine">Its namespace; the bed does not give it back.</param>
    /// <param name="link">What its card is called there.</param>
    /// <returns>The switch's end of its line.</returns>
    public string Plug(NetworkNamespace machine, string link)
    {
        string port = $"plug{++_plugs}";
        _switch.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.CreateVeth(port, link, machine.File);
            netlink.Change(port, new LinkChange { Master = Bridge, Up = true });
        });
        return port;
    }

    /// <summary>A cable from the first host to the second, beside the bed's network.</summary>
    /// <param name="link">What the card at either end is called.</param>
    /// <param name="prefix">Of both addresses; the number of the host follows.</param>
    public void Cable(string link, string prefix)
    {
        Hosts[0].Network.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.CreateVeth(link, link, Hosts[1].Network.File);
        });
        foreach (var host in Hosts.Take(2)) host.Network.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.AddAddress(link, IPAddress.Parse($"{prefix}{host.Number}"), 24);
            netlink.Change(link, new LinkChange { Up = true });
        });
    }

    /// <summary>A relay between the hosts, for delay and lost answers.</summary>
    public Task<BedRelay> StartRelayAsync() => BedRelay.StartAsync(_switch);

    /// <summary>Makes something that is of the switch's network: a socket, for example.</summary>
    public T OnSwitch<T>(Func<T> make) => _switch.Run(make);

    public async ValueTask DisposeAsync()
    {
        // First all daemons, so that none acts on the end of another.
        foreach (var host in _hosts) await host.EndAsync();
        foreach (var host in _hosts) await host.DisposeAsync();
        _switch.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>The switch's end of a host's line.</summary>
    public static string PortOf(int number) => $"port{number}";

    private string FolderOf(int number) => Path.Combine(Folder, $"h{number}");
}
