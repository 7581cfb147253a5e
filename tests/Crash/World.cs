using Lamina.Linux.Cgroups;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Server;
using Lamina.Testing;

namespace Lamina.Tests.Crash;

/// <summary>
/// Where daemons live and die: an instance of their own with its folders, in a network namespace in which nothing else is, so that whatever is found
/// there is theirs. The pool's record names its folder, so all runs of a world use the same paths, one after the other.
/// </summary>
internal sealed class World : IAsyncDisposable
{
    /// <summary>A physical card of the host, where a scenario wants one: its other end is in the same namespace, and nobody answers there.</summary>
    public const string Card = "eth1";
    public const string CardPeer = "lan1";
    public const string CardAddress = "192.0.2.2/24";

    private static readonly TimeSpan KillPatience = TimeSpan.FromSeconds(20);

    private readonly string _laminad;
    private NetworkNamespace _network = null!;

    public World(string laminad, string folder, string name)
    {
        _laminad = laminad;
        Directory.CreateDirectory(folder);
        Folder = folder;
        Instance = InstanceClaim.Derive(new InstanceOptions
        {
            Name = name,
            DataDirectory = Path.Combine(folder, "data"),
            RunDirectory = Path.Combine(folder, "run"),
            ConfigurationDirectory = Path.Combine(folder, "etc"),
            LogDirectory = Path.Combine(folder, "log"),
        });
        Cgroups = CgroupManager.Detect(Instance.CgroupName);
    }

    public string Folder { get; }

    /// <summary>Its number is known when a daemon has run.</summary>
    public Instance Instance { get; private set; }

    public CgroupManager Cgroups { get; }

    /// <summary>Where a second pool may lie.</summary>
    public string SecondPool => Path.Combine(Folder, "second");

    /// <summary>What each daemon of this run said.</summary>
    private string OutputFolder => Path.Combine(Folder, "output");

    /// <summary>The points that were reached.</summary>
    public string PointLog => Path.Combine(Folder, "points");

    /// <summary>When it is there, points count.</summary>
    public string ArmFile => Path.Combine(Folder, "armed");

    public NetworkNamespace Network => _network;

    /// <summary>Begins a run: nothing is there but the data of a template.</summary>
    /// <param name="template">A folder that <see cref="SaveAsync"/> made; null: a daemon's first start is yet to come.</param>
    /// <param name="withCard">There is <see cref="Card"/>.</param>
    public async Task BeginAsync(string? template, bool withCard = false)
    {
        await ClearAsync();
        Directory.CreateDirectory(Instance.ConfigurationDirectory);
        if (template is not null) await CopyAsync(template, Instance.DataDirectory);
        _network = new NetworkNamespace();
        _network.Run(() =>
        {
            using var netlink = new Netlink();
            netlink.Change("lo", new LinkChange { Up = true });
        });
        if (!withCard) return;
        foreach (string command in (string[])[$"link add {Card} type veth peer name {CardPeer}", $"link set {CardPeer} up", $"link set {Card} up", $"address add {CardAddress} dev {Card}"])
            (await RunAsync("ip", command.Split(' '))).EnsureSuccess();
    }

    /// <summary>Keeps the data of a daemon that has been stopped, as the beginning of other runs.</summary>
    public Task SaveAsync(string template) => CopyAsync(Instance.DataDirectory, template);

    /// <summary>Starts a daemon and waits until it serves.</summary>
    /// <param name="at">Where it ends itself; null: nowhere.</param>
    /// <param name="armed">Points count from its start on, not only from <see cref="Arm"/> on.</param>
    public async Task<CrashingDaemon> StartAsync(CrashPoint? at = null, bool armed = true)
    {
        var crash = new Dictionary<string, string> { ["LAMINA_CRASH_LOG"] = PointLog };
        if (at is not null) crash["LAMINA_CRASH_AT"] = at.Target;
        if (!armed) crash["LAMINA_CRASH_ARM"] = ArmFile;
        string output = Path.Combine(Directory.CreateDirectory(OutputFolder).FullName, $"{Directory.GetFiles(OutputFolder).Length + 1}");
        var daemon = _network.Run(() => CrashingDaemon.Spawn(_laminad, Instance, output, crash));
        try
        {
            await daemon.WaitUntilServingAsync();
            ReadNumber();
            return daemon;
        }
        catch
        {
            await daemon.KillAsync();
            daemon.Dispose();
            throw;
        }
    }

    public void Arm() => File.WriteAllText(ArmFile, "");

    public string ReadOutput() => Directory.Exists(OutputFolder)
        ? string.Join('\n', Directory.GetFiles(OutputFolder).Order(StringComparer.Ordinal).Select(file => $"--- daemon {Path.GetFileName(file)}\n{File.ReadAllText(file)}"))
        : "";

    public IReadOnlyList<string> ReadPoints() => File.Exists(PointLog) ? File.ReadAllLines(PointLog) : [];

    /// <summary>Runs a program inside the network namespace.</summary>
    public Task<CommandResult> RunAsync(string program, params string[] arguments) => _network.RunAsync(
        () => Command.RunAsync(new CommandSpec { Program = program, Arguments = arguments, Timeout = KillPatience }, CancellationToken.None));

    public async ValueTask DisposeAsync()
    {
        await ClearAsync();
        foreach (string root in Directory.EnumerateDirectories("/sys/fs/cgroup").Append("/sys/fs/cgroup").Select(root => Path.Combine(root, Instance.CgroupName)))
        {
            if (Directory.Exists(root)) Directory.Delete(root);
        }

        if (Directory.Exists(Folder)) Directory.Delete(Folder, recursive: true);
    }

    /// <summary>All processes of the world but the daemons that this program has started itself.</summary>
    public IReadOnlyList<ProcessIdentity> Processes() => _network is null ? [] : NetworkProcesses.In(_network);

    private async Task ClearAsync()
    {
        if (_network is not null)
        {
            foreach (var identity in Processes())
            {
                using var process = ChildProcess.Adopt(identity);
                if (process is null) continue;
                process.Send(Signal.Kill);
                await process.WaitForExitAsync(CancellationToken.None).WaitAsync(KillPatience);
            }

            _network.Dispose();
            _network = null!;
        }

        foreach (var group in Cgroups.List()) await Cgroups.RemoveAsync(group.Name, CancellationToken.None);
        foreach (string left in (string[])[Instance.DataDirectory, Instance.RunDirectory, Instance.LogDirectory, Instance.ConfigurationDirectory, SecondPool, OutputFolder])
        {
            if (Directory.Exists(left)) Directory.Delete(left, recursive: true);
        }

        foreach (string left in (string[])[PointLog, ArmFile]) File.Delete(left);
    }

    private void ReadNumber()
    {
        string number = File.ReadAllText(Path.Combine(Instance.DataDirectory, "instance-number"));
        Instance = Instance with { Number = int.Parse(number, System.Globalization.CultureInfo.InvariantCulture) };
    }

    private static async Task CopyAsync(string from, string to)
    {
        if (Directory.Exists(to)) Directory.Delete(to, recursive: true);
        var copy = new CommandSpec { Program = "cp", Arguments = ["--archive", "--sparse=always", from, to], Timeout = KillPatience };
        (await Command.RunAsync(copy, CancellationToken.None)).EnsureSuccess();
    }
}
