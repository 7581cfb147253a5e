using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Cluster;
using Lamina.Server.Control;
using Lamina.Server.Store;
using Lamina.Server.Store.Etcd;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lamina.Bench;

/// <summary>What <c>./dev bench scale</c> found out. Times are milliseconds.</summary>
internal sealed record ScaleResult
{
    public required DateTimeOffset At { get; init; }
    public required Machine Machine { get; init; }
    public required int Hosts { get; init; }
    public required int Vms { get; init; }
    public required int Watchers { get; init; }

    /// <summary>Of status only; loads and leases come on top.</summary>
    public required double ChangesPerSecond { get; init; }

    /// <summary>One page of 1,000 VMs, read whole.</summary>
    public required Summary List { get; init; }

    /// <summary>From the begin of the commit to a watcher's sight of it.</summary>
    public required Summary Watch { get; init; }
    public required Summary Commit { get; init; }
    public required long IdleKiB { get; init; }
    public required long LoadedKiB { get; init; }

    /// <summary>Of one core, while it was written, watched and listed.</summary>
    public required double DaemonCpuPercent { get; init; }

    /// <summary>What the daemon's collector did in that time, and how long the bench's held up the bench.</summary>
    public required Collected DaemonCollected { get; init; }
    public required double BenchPausedMs { get; init; }
    public required IReadOnlyList<RequestCost> Requests { get; init; }
}

/// <summary>The work of a garbage collector: how long it held all threads up, and how often it collected; a collection of a generation counts with those of all younger ones, too.</summary>
internal readonly record struct Collected(double PausedMs, double Youngest, double Middle, double Whole)
{
    public static Collected operator -(Collected left, Collected right) =>
        new(left.PausedMs - right.PausedMs, left.Youngest - right.Youngest, left.Middle - right.Middle, left.Whole - right.Whole);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ScaleResult))]
internal sealed partial class ScaleBenchJson : JsonSerializerContext;

/// <summary>One real daemon with its real etcd, in which 500 hosts write and 10,000 VMs are on record; 20 clients follow all of them.</summary>
internal static class ScaleBench
{
    private const int Hosts = 500;
    private const int Vms = 10_000;
    private const int Watchers = 20;
    private const int WarmUp = 20;
    private const string ModelVm = "model";
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ListInterval = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>The last changes have so long to arrive.</summary>
    private static readonly TimeSpan Tail = TimeSpan.FromSeconds(5);

    public static Task ReportAsync(BenchOptions options) => Bench.InFolderAsync(async folder =>
    {
        string before = Bench.Load();
        var result = await MeasureAsync(options, folder) with { Machine = await Bench.MachineAsync(before) };
        await Report.WriteAsync(options.Results, "scale", JsonSerializer.Serialize(result, ScaleBenchJson.Default.ScaleResult) + "\n", Table(result));
    });

    private static async Task<ScaleResult> MeasureAsync(BenchOptions options, string folder)
    {
        await using var daemon = new BenchDaemon(options.Programs, folder);
        await daemon.StartAsync();
        await FoundAsync(daemon, "scale");
        await using var store = await OpenAsync(folder);
        string image = Path.Join(folder, "image.qcow2");
        await Run.OutputAsync("qemu-img", "create", "-q", "-f", "qcow2", image, "1G");
        await daemon.CliAsync("image", "import", image, "--name", LaminaGuest.Image, "--no-cloud-init");
        var requests = await new TransactionCount(store, daemon.Client).CountAsync(LaminaGuest.Image);

        var world = await WorldAsync(daemon, store);
        long idle = await daemon.IdleResidentAsync();
        await world.FillAsync(Hosts, Vms, CancellationToken.None);
        return await LoadAsync(daemon, world) with { IdleKiB = idle, Requests = requests };
    }

    /// <summary>Makes the daemon the first of a cluster, by the first of the machine's addresses.</summary>
    public static async Task FoundAsync(BenchDaemon daemon, string name) =>
        await daemon.CliAsync("cluster", "init", "--name", name, "--address", (await Run.OutputAsync("hostname", "--all-ip-addresses")).Split(' ')[0]);

    /// <summary>The store of the daemon that has its data there.</summary>
    public static async Task<EtcdStore> OpenAsync(string folder)
    {
        var membership = JsonSerializer.Deserialize(await File.ReadAllBytesAsync(Path.Join(folder, "data", "cluster.json")), MembershipJson.Default.Membership)!;
        string secrets = Path.Join(folder, "data", "secrets");
        return await EtcdStore.OpenAsync(
            new EtcdAccess
            {
                Endpoints = membership.Endpoints, CaFile = HostCertificate.CaFileIn(secrets), CertificateFile = HostCertificate.FileIn(secrets), KeyFile = HostCertificate.FileIn(secrets),
            },
            TimeProvider.System);
    }

    /// <summary>The daemon's own host and a VM that it made are the model of all others.</summary>
    public static async Task<ScaleWorld> WorldAsync(BenchDaemon daemon, IStore store)
    {
        var wish = new VmCreate { Name = ModelVm, Image = LaminaGuest.Image, MemoryMiB = 1024, Cpus = 2, Nics = [new VmNicCreate { Kind = NicKind.User }], Start = true };
        var operation = await daemon.Client.Vms.CreateAsync(wish, CancellationToken.None);
        await daemon.Client.Operations.WaitAsync(operation.Id, null, CancellationToken.None);
        var vm = (await daemon.Client.Vms.GetAsync(ModelVm, CancellationToken.None)).Value;
        await using var cache = new Cache(store, Keys.Cached, TimeProvider.System, NullLogger<Cache>.Instance);
        await cache.StartAsync();
        return new ScaleWorld(store, cache.Snapshot, vm.Assignment!.Host, vm.Id);
    }

    private static async Task<ScaleResult> LoadAsync(BenchDaemon daemon, ScaleWorld world)
    {
        using var end = new CancellationTokenSource();
        using var writing = new CancellationTokenSource();
        using var watchers = new ScaleWatchers(daemon.Socket);
        var commits = new ConcurrentQueue<(string Vm, long Revision, long Begun, double Took)>();
        var (synced, watching) = watchers.Watch(Watchers, end.Token);
        await synced.WaitAsync(Patience, CancellationToken.None);
        var written = world.WriteAsync((vm, revision, begun) => commits.Enqueue((vm, revision, begun, Run.Since(begun))), writing.Token);

        // Until all hosts have begun.
        await Task.Delay(Tail, CancellationToken.None);
        long from = TimeProvider.System.GetTimestamp();
        double cpu = await daemon.CpuSecondsAsync();
        var collected = await CollectedAsync(watchers.Http);
        var ownPaused = GC.GetTotalPauseDuration();
        var lists = await ListAsync(watchers.Http, written);
        double seconds = Run.Since(from) / 1000;
        cpu = await daemon.CpuSecondsAsync() - cpu;
        collected = await CollectedAsync(watchers.Http) - collected;
        ownPaused = GC.GetTotalPauseDuration() - ownPaused;
        await writing.CancelAsync();
        await EndedAsync(written);
        await Task.Delay(Tail, CancellationToken.None);
        await end.CancelAsync();
        await EndedAsync(watching);

        var measured = commits.Where(commit => commit.Begun >= from).ToArray();
        return new ScaleResult
        {
            At = TimeProvider.System.GetUtcNow(),
            Machine = null!,
            Hosts = Hosts,
            Vms = Vms,
            Watchers = Watchers,
            ChangesPerSecond = measured.Length / seconds,
            List = Summary.Of(lists),
            Watch = Summary.Of([.. watchers.Delays(measured.Select(commit => (commit.Vm, commit.Revision, commit.Begun)), Watchers)]),
            Commit = Summary.Of([.. measured.Select(commit => commit.Took)]),
            IdleKiB = 0,
            LoadedKiB = await daemon.IdleResidentAsync(),
            DaemonCpuPercent = 100 * cpu / seconds,
            DaemonCollected = collected,
            BenchPausedMs = ownPaused.TotalMilliseconds,
            Requests = [],
        };
    }

    private static async Task<List<double>> ListAsync(HttpClient http, Task written)
    {
        var times = new List<double>();
        long begun = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(ListInterval);
        for (int index = 0; TimeProvider.System.GetElapsedTime(begun) < Duration; index++)
        {
            if (written.IsFaulted) await written;
            long asked = TimeProvider.System.GetTimestamp();
            using (var answer = await http.GetAsync("/v1/vms?limit=1000", HttpCompletionOption.ResponseHeadersRead))
            {
                // Read, and not kept: what it takes to hold such answers is the client's affair.
                answer.EnsureSuccessStatusCode();
                await answer.Content.CopyToAsync(Stream.Null);
            }

            if (index >= WarmUp) times.Add(Run.Since(asked));
            await timer.WaitForNextTickAsync();
        }

        return times;
    }

    private static async Task<Collected> CollectedAsync(HttpClient http)
    {
        string[] metrics = (await http.GetStringAsync("/metrics")).Split('\n');
        double Value(string name) =>
            double.Parse(metrics.Single(line => line.StartsWith(name + " ", StringComparison.Ordinal))[(name.Length + 1)..], CultureInfo.InvariantCulture);
        double Collections(int generation) => Value($"dotnet_gc_collections_total{{generation=\"{generation}\"}}");
        return new Collected(1000 * Value("dotnet_gc_pause_seconds_total"), Collections(0), Collections(1), Collections(2));
    }

    /// <summary>Waits for what was cancelled.</summary>
    public static async Task EndedAsync(Task task)
    {
        try
        {
            await task;
        }
        catch (OperationCanceledException)
        {
            // As asked.
        }
    }

    private static string Table(ScaleResult result)
    {
        var text = new StringBuilder();
        Line(text, $"# ./dev bench scale");
        Line(text, $"");
        Line(text, $"{result.At:yyyy-MM-dd HH:mm} UTC · {result.Machine.Cpu}, {result.Machine.Cores} CPUs · Linux {result.Machine.Kernel}");
        Line(text, $"Load averages (1, 5, 15 min) before: {result.Machine.LoadBefore}; after: {result.Machine.LoadAfter}.");
        Line(text, $"");
        Line(text, $"{result.Hosts} hosts, {result.Vms:N0} VMs, {result.Watchers} watchers of all VMs; {result.ChangesPerSecond:0} changes of status a second.");
        Line(text, $"");
        Line(text, $"| milliseconds | n | median | 90 % | 99 % |");
        Line(text, $"|---|---|---|---|---|");
        Row(text, "list of 1,000 VMs", result.List);
        Row(text, "from the begin of a commit to a watcher's sight of it", result.Watch);
        Row(text, "a commit to etcd", result.Commit);
        Line(text, $"");
        Line(text, $"| figure | measured | to reach | |");
        Line(text, $"|---|---|---|---|");
        Line(text, $"| list of 1,000, 99 % | {result.List.P99:0.0} ms | ≤ 50 ms | {Reached(result.List.P99 <= 50)} |");
        Line(text, $"| a change seen by a watcher, 99 % | {result.Watch.P99:0.0} ms | ≤ 250 ms | {Reached(result.Watch.P99 <= 250)} |");
        foreach (var request in result.Requests)
            Line(text, $"| transactions of: {request.Request} (and of progress) | {request.Transactions.Count} ({request.Progress}) | ≤ {request.Allowed} | {Reached(request.Transactions.Count <= request.Allowed)} |");
        Line(text, $"| laminad resident, before and after | {result.IdleKiB / 1024.0:0} and {result.LoadedKiB / 1024.0:0} MiB | – | |");
        Line(text, $"| laminad, of one core, meanwhile | {result.DaemonCpuPercent:0} % | – | |");
        Line(text, $"| held up by its collector meanwhile: laminad; this program | {result.DaemonCollected.PausedMs:0} ms; {result.BenchPausedMs:0} ms | – | |");
        Line(text, $"| laminad's collections: all, of generation 1 and 2, of 2 | {result.DaemonCollected.Youngest:0}, {result.DaemonCollected.Middle:0}, {result.DaemonCollected.Whole:0} | – | |");
        Line(text, $"");
        Line(text, $"What each transaction wrote (ids as `*`):");
        Line(text, $"");
        foreach (var request in result.Requests)
        {
            Line(text, $"- {request.Request}");
            foreach (string keys in request.Transactions) Line(text, $"  1. `{keys}`");
        }

        text.Append("""

            How: one real laminad with the etcd that it runs itself, with TLS. The hosts are simulated: each holds a lease of its own, tells its load every 10 s and changes the status
            of one of its VMs every 2 s. They, the watchers and the lists come from one process on the same machine, so its work is in the times as well.

            """);
        return text.ToString();
    }

    private static string Reached(bool reached) => reached ? "reached" : "**missed**";

    private static void Row(StringBuilder text, string what, Summary summary) =>
        Line(text, $"| {what} | {summary.Count} | {summary.Median:0.0} | {summary.P90:0.0} | {summary.P99:0.0} |");

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
