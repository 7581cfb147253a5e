using Lamina.Linux.Processes;
using Lamina.Testing.Bed;

namespace Lamina.Bench.Migration;

/// <summary>How the script's migration is encrypted.</summary>
internal enum BareKind
{
    /// <summary>As Lamina's, with a Diffie-Hellman group made beforehand.</summary>
    Encrypted,

    /// <summary>As a folder of certificates is, made by certtool as QEMU's manual has it: QEMU makes a group at each start of a server.</summary>
    WithoutGroup,
    InTheClear,
}

/// <summary>
/// The guest as a script moves it: QEMU with the arguments that Lamina gives it, in two networks, and nothing but the steps that a migration needs, one after the other.
/// Ends, as a person's script would, when the guest goes on at the target and the source's process is gone. What can be made beforehand was: taps, certificates, the bridge.
/// </summary>
internal sealed class BareMigration : IAsyncDisposable
{
    private const int Port = 4444;
    private const string GuestAddress = "10.91.0.100";
    private const string Mac = "52:54:00:be:9c:64";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly BareHost[] _hosts;
    private readonly IReadOnlyList<string> _lamina;
    private readonly BareNames _names;
    private readonly Dictionary<BareKind, (string Folder, string TargetName)> _certificates = [];
    private Running? _running;
    private int _runs;

    private BareMigration(ClusterBed bed, IReadOnlyList<string> lamina, BareNames names)
    {
        _hosts = [new BareHost(bed, 101, withTap: true), new BareHost(bed, 102, withTap: true)];
        (_lamina, _names) = (lamina, names);
        foreach (var kind in new[] { BareKind.Encrypted, BareKind.WithoutGroup })
        {
            string folder = Path.Join(names.Folder, $"tls-{kind}");
            _certificates[kind] = (folder, BareCertificates.Write(folder, withGroup: kind == BareKind.Encrypted));
        }
    }

    /// <param name="bed">Whose network it is plugged into.</param>
    /// <param name="lamina">The arguments of the guest that it shall be like.</param>
    /// <param name="media">Kernel and initrd.</param>
    /// <param name="number">Of its ticks.</param>
    /// <param name="work">What the guest does.</param>
    public static async Task<BareMigration> StartAsync(ClusterBed bed, IReadOnlyList<string> lamina, string media, int number, GuestWork work)
    {
        string folder = Directory.CreateDirectory(Path.Join(bed.Shared, "bare")).FullName;
        string disk = Path.Join(folder, "disk.qcow2");
        await Run.OutputAsync("qemu-img", "create", "-q", "-f", "qcow2", disk, "1G");
        var bare = new BareMigration(bed, lamina, new BareNames
        {
            Kernel = Path.Join(media, "vmlinuz"),
            Initrd = Path.Join(media, "ticker.gz"),
            Disk = disk,
            Folder = folder,
            Tap = BareHost.Tap,
            Mac = Mac,
            CommandLine = BenchCluster.CommandLine(Ticks.Script(number, work), $"ip4={GuestAddress}/24 "),
        });
        bare._running = await bare.SpawnAsync(0, []);
        await bare._running.Monitor.ExecuteAsync("cont");
        return bare;
    }

    /// <summary>Milliseconds from the first step to the last.</summary>
    public async Task<double> MoveAsync(BareKind kind)
    {
        long begun = TimeProvider.System.GetTimestamp();
        var source = _running!;
        int to = 1 - source.Host;
        var target = await SpawnAsync(to, ["-incoming", "defer"]);
        await SetAsync(target, kind, isTarget: true);
        string uri = $$"""{"uri":"tcp:{{_hosts[to].Address}}:{{Port}}"}""";
        await target.Monitor.ExecuteAsync("migrate-incoming", uri);
        await SetAsync(source, kind, isTarget: false);
        await source.Monitor.ExecuteAsync("migrate", uri);
        await source.Monitor.MigrationAsync("completed");
        await target.Monitor.MigrationAsync("completed");
        await target.Monitor.ExecuteAsync("cont");
        await source.EndAsync();
        double milliseconds = Run.Since(begun);
        _running = target;
        await _hosts[source.Host].ForgetAsync(source.Cgroup);
        await target.Monitor.ExecuteAsync("migrate-set-parameters", """{"tls-creds":"","tls-hostname":""}""");
        if (kind != BareKind.InTheClear) await target.Monitor.ExecuteAsync("object-del", """{"id":"tls0"}""");
        return milliseconds;
    }

    public Task PauseAsync() => _running!.Monitor.ExecuteAsync("stop");

    public Task ResumeAsync() => _running!.Monitor.ExecuteAsync("cont");

    public async ValueTask DisposeAsync()
    {
        if (_running is { } running) await running.EndAsync();
        foreach (var host in _hosts) await host.DisposeAsync();
    }

    private async Task<Running> SpawnAsync(int host, IReadOnlyList<string> more)
    {
        string folder = Directory.CreateDirectory(Path.Join(_names.Folder, $"{++_runs}")).FullName;
        string[] arguments = [.. BareFiles.Turn(_lamina, _names with { Folder = folder }), .. more];
        var process = _hosts[host].Spawn(new ChildSpec { Program = arguments[0], Arguments = arguments[1..], StandardError = ChildOutput.Tail(2000) }, $"vm{_runs}");
        var running = new Running(host, $"vm{_runs}", process, new BareMonitor(process));
        await running.Monitor.OpenAsync(Path.Join(folder, "qmp.sock"));
        return running;
    }

    /// <summary>As Lamina sets it: two streams, return path, and no bound to the bandwidth.</summary>
    private async Task SetAsync(Running side, BareKind kind, bool isTarget)
    {
        string capabilities = string.Join(',', new[] { "events", "return-path", "late-block-activate", "validate-uuid", "multifd" }.Concat(isTarget ? [] : ["auto-converge"])
            .Select(name => $$"""{"capability":"{{name}}","state":true}"""));
        await side.Monitor.ExecuteAsync("migrate-set-capabilities", $$"""{"capabilities":[{{capabilities}}]}""");
        string tls = "";
        if (_certificates.TryGetValue(kind, out var certificates))
        {
            await side.Monitor.ExecuteAsync("object-add", $$"""{"qom-type":"tls-creds-x509","id":"tls0","endpoint":"{{(isTarget ? "server" : "client")}}","dir":"{{certificates.Folder}}","verify-peer":true}""");
            tls = isTarget ? ""","tls-creds":"tls0" """ : $$""","tls-creds":"tls0","tls-hostname":"{{certificates.TargetName}}" """;
        }

        await side.Monitor.ExecuteAsync("migrate-set-parameters", $$"""{"multifd-channels":2,"max-bandwidth":1099511627776,"downtime-limit":300{{tls}}}""");
    }

    private sealed record Running(int Host, string Cgroup, ChildProcess Process, BareMonitor Monitor)
    {
        public async Task EndAsync()
        {
            await Monitor.ExecuteAsync("quit");
            await Process.WaitForExitAsync(CancellationToken.None).WaitAsync(Patience);
            Monitor.Dispose();
            Process.Dispose();
        }
    }
}
