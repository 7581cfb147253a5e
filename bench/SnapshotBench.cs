using System.Globalization;
using System.Text;
using System.Text.Json;
using Lamina.Api;
using Lamina.Api.Client;

namespace Lamina.Bench;

/// <summary>All that a run of <c>./dev bench snapshot</c> found out. Times are milliseconds.</summary>
internal sealed record SnapshotResult
{
    public required DateTimeOffset At { get; init; }
    public required Machine Machine { get; init; }
    public required SnapshotFigures Disks { get; init; }
    public required SnapshotFigures WithMemory { get; init; }

    /// <summary>A change of a VM's notes: request, one commit on disk, answer.</summary>
    public required Summary Commit { get; init; }
}

/// <summary>Snapshots of one kind, by Lamina and by bare QMP in pairs.</summary>
internal sealed record SnapshotFigures
{
    /// <summary>The longest time for which the guest stood still.</summary>
    public required Comparison Halt { get; init; }

    /// <summary>Lamina's median by that of bare QMP; null: the latter is too short to be divided by.</summary>
    public required double? Ratio { get; init; }

    /// <summary>From the request to the end of the operation.</summary>
    public required Summary LaminaWhole { get; init; }

    /// <summary>From the first command to the answer of the last.</summary>
    public required Summary BareWhole { get; init; }

    /// <summary>The same, until what it has written is synced to disk, as Lamina's is.</summary>
    public required Summary BareSynced { get; init; }

    /// <summary>The longest time between two looks at the guest's CPU, of each measurement.</summary>
    public required Summary Coarsest { get; init; }
}

/// <summary>Snapshots of a running guest of 256 MiB, with and without its memory: for how long it stands still, beside the same steps by bare QMP.</summary>
internal sealed class SnapshotBench(BenchDaemon daemon, BenchOptions options, string folder)
{
    private const int MemoryMiB = 256;
    private const long DiskBytes = 1L << 30;

    /// <summary>With the warm-ups as many as a disk takes layers.</summary>
    private const int Rounds = 13;
    private const int WarmUps = 2;

    /// <summary>What is shorter is within the error of <see cref="HaltWatch"/>.</summary>
    private const double LeastMilliseconds = 1;
    private const int Commits = 30;
    private const double Wanted = 1.1;
    private const string Word = "GUEST-COMPUTES";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly LaminaClient _client = daemon.Client;

    private static string CommandLine => $"console=ttyS0 quiet run64={Convert.ToBase64String(Encoding.UTF8.GetBytes($"echo {Word}; while :; do :; done"))}";

    public static Task ReportAsync(BenchOptions options) => Bench.InFolderAsync(async folder =>
    {
        await using var daemon = new BenchDaemon(options.Programs, folder);
        await daemon.StartAsync();
        var result = await new SnapshotBench(daemon, options, folder).MeasureAsync();
        await Report.WriteAsync(options.Results, "snapshot", JsonSerializer.Serialize(result, BenchJson.Default.SnapshotResult) + "\n", Table(result));
    });

    private async Task<SnapshotResult> MeasureAsync()
    {
        string before = Bench.Load();
        await daemon.CliAsync("iso", "upload", Path.Join(options.Media, "vmlinuz"), "--name", "bench-kernel", "--kind", "kernel");
        await daemon.CliAsync("iso", "upload", Path.Join(options.Media, "initrd.gz"), "--name", "bench-initrd", "--kind", "initrd");
        var disks = await MeasureAsync("disks", withMemory: false);
        var memory = await MeasureAsync("memory", withMemory: true);
        return new SnapshotResult
        {
            At = TimeProvider.System.GetUtcNow(), Disks = disks, WithMemory = memory, Commit = await CommitsAsync("disks"), Machine = await Bench.MachineAsync(before),
        };
    }

    private async Task<SnapshotFigures> MeasureAsync(string name, bool withMemory)
    {
        await FinishAsync(_client.Vms.CreateAsync(
            new VmCreate
            {
                Name = name, MemoryMiB = MemoryMiB, Nics = [], Start = true, Disks = [new VmDiskCreate { SizeBytes = DiskBytes }],
                Kernel = new VmKernel { Kernel = "bench-kernel", Initrd = "bench-initrd", CommandLine = CommandLine },
            },
            CancellationToken.None));
        await ComesAsync(() => LaminaSerialAsync(name));
        string[] arguments = [.. (await _client.Vms.GetQemuArgumentsAsync(name, CancellationToken.None)).Split('\n', StringSplitOptions.RemoveEmptyEntries)];
        await FinishAsync(_client.Vms.PauseAsync(name, CancellationToken.None));
        await using var bare = await BareSnapshotGuest.StartAsync(arguments, options.Media, Path.Join(folder, name), DiskBytes);
        await ComesAsync(async () => File.Exists(bare.Serial) ? await File.ReadAllTextAsync(bare.Serial) : "");
        await bare.PauseAsync();

        var pairs = new List<(Taken Lamina, Taken Bare)>();
        for (int round = -WarmUps; round < Rounds; round++)
        {
            bool laminaFirst = Random.Shared.Next(2) == 0;
            var first = laminaFirst ? await ByLaminaAsync(name, $"s{round + WarmUps}", withMemory) : await ByQmpAsync(bare, withMemory);
            var second = laminaFirst ? await ByQmpAsync(bare, withMemory) : await ByLaminaAsync(name, $"s{round + WarmUps}", withMemory);
            var pair = laminaFirst ? (first, second) : (second, first);
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name} {round}: {pair.Item1.Halt:0.0} {pair.Item2.Halt:0.0} · {pair.Item1.Whole:0} {pair.Item2.Whole:0}"));
            if (round >= 0) pairs.Add(pair);
        }

        await FinishAsync(_client.Vms.StopAsync(name, new VmStopRequest { Force = true }, CancellationToken.None));
        var halt = Comparison.Of([.. pairs.Select(pair => (pair.Lamina.Halt, pair.Bare.Halt))]);
        return new SnapshotFigures
        {
            Halt = halt,
            Ratio = halt.Bare.Median >= LeastMilliseconds ? halt.Lamina.Median / halt.Bare.Median : null,
            LaminaWhole = Summary.Of([.. pairs.Select(pair => pair.Lamina.Whole)]),
            BareWhole = Summary.Of([.. pairs.Select(pair => pair.Bare.Whole)]),
            BareSynced = Summary.Of([.. pairs.Select(pair => pair.Bare.Synced)]),
            Coarsest = Summary.Of([.. pairs.SelectMany(pair => new[] { pair.Lamina.Coarsest, pair.Bare.Coarsest })]),
        };
    }

    private async Task<Taken> ByLaminaAsync(string name, string snapshot, bool withMemory)
    {
        await FinishAsync(_client.Vms.ResumeAsync(name, CancellationToken.None));
        string id = (await _client.Vms.GetAsync(name, CancellationToken.None)).Value.Id;
        int process = Linux.Cgroups.CgroupManager.Detect($"lamina-{BenchDaemon.InstanceName}").ReadMembers(id)[0];
        var taken = await TakeAsync(process, () => FinishAsync(_client.Snapshots.CreateAsync(
            name, new SnapshotCreate { Name = snapshot, WithMemory = withMemory, Quiesce = false }, CancellationToken.None)));
        await FinishAsync(_client.Vms.PauseAsync(name, CancellationToken.None));
        return taken;
    }

    private static async Task<Taken> ByQmpAsync(BareSnapshotGuest bare, bool withMemory)
    {
        string layer = await bare.MakeLayerAsync(DiskBytes);
        await bare.ResumeAsync();
        var taken = await TakeAsync(bare.ProcessId, () => bare.SnapshotAsync(layer, withMemory));
        long begun = TimeProvider.System.GetTimestamp();
        bare.Sync(layer, withMemory);
        double sync = Run.Since(begun);
        await bare.PauseAsync();
        return taken with { Synced = taken.Whole + sync };
    }

    private static async Task<Taken> TakeAsync(int process, Func<Task> take)
    {
        var watch = await HaltWatch.BeginAsync(process);
        double whole;
        await using (watch)
        {
            long begun = TimeProvider.System.GetTimestamp();
            await take();
            whole = Run.Since(begun);
        }

        return new Taken(watch.LongestMilliseconds, whole, whole, watch.CoarsestMilliseconds);
    }

    private async Task<Summary> CommitsAsync(string name)
    {
        var times = new List<double>();
        for (int index = 0; index < Commits; index++)
        {
            long begun = TimeProvider.System.GetTimestamp();
            await _client.Vms.UpdateAsync(name, new VmUpdate { Notes = $"note {index}" }, null, CancellationToken.None);
            times.Add(Run.Since(begun));
        }

        return Summary.Of(times);
    }

    private async Task<string> LaminaSerialAsync(string name)
    {
        using var history = new MemoryStream();
        await _client.Vms.CopySerialHistoryAsync(name, history, CancellationToken.None);
        return Encoding.UTF8.GetString(history.ToArray());
    }

    private static async Task ComesAsync(Func<Task<string>> serial)
    {
        long begun = TimeProvider.System.GetTimestamp();
        while (await serial() is var said && !said.Contains(Word, StringComparison.Ordinal))
        {
            if (TimeProvider.System.GetElapsedTime(begun) > Patience) throw new InvalidOperationException($"the guest has not said {Word}: {said}");
            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }

    private async Task FinishAsync(Task<Operation> call)
    {
        var ended = await _client.Operations.WaitAsync((await call).Id, null, CancellationToken.None);
        if (ended.State is not { Phase: OperationPhase.Succeeded }) throw new InvalidOperationException($"{ended.Request.Kind} has ended as {ended.State?.Phase}: {ended.State?.Failure?.Message}");
    }

    private static string Table(SnapshotResult result)
    {
        var text = new StringBuilder("# ./dev bench snapshot\n\n");
        Report.Heading(text, result.At, result.Machine);
        text.Append("| milliseconds | n | median | 10 % | 90 % | 99 % |\n|---|---|---|---|---|---|\n");
        foreach (var (what, figures) in new[] { ("disks", result.Disks), ("disks and memory", result.WithMemory) })
        {
            Report.Row(text, $"guest stands still, {what}: Lamina", figures.Halt.Lamina);
            Report.Row(text, $"guest stands still, {what}: bare QMP", figures.Halt.Bare);
            Report.Row(text, $"whole snapshot, {what}: Lamina", figures.LaminaWhole);
            Report.Row(text, $"whole snapshot, {what}: bare QMP", figures.BareWhole);
            Report.Row(text, $"whole snapshot, {what}: bare QMP, synced", figures.BareSynced);
        }

        Report.Row(text, "one commit: a VM's notes changed", result.Commit);
        Report.Row(text, "longest time between two looks at the guest", Summary.Of([result.Disks.Coarsest.Median, result.WithMemory.Coarsest.Median]));
        text.Append("\n| figure | measured | to reach | |\n|---|---|---|---|\n");
        Figure(text, "disks", result.Disks, result.Commit);
        Figure(text, "disks and memory", result.WithMemory, result.Commit);
        text.Append(CultureInfo.InvariantCulture, $"""

            How: one run on the AOT binaries; {Rounds} pairs of each kind in random order, after {WarmUps} that do not count. Guest: Linux, {MemoryMiB} MiB, one CPU under TCG that computes
            without end, one qcow2 disk of which each snapshot adds a layer, BIOS, no agent asked; the other side's guest is paused meanwhile. Stands still: the longest
            stretch for which the thread of QEMU that runs the guest's CPU sleeps (it is runnable else, also while it waits for a core), read from /proc every 0.2 ms
            by a thread of real-time priority. Bare QMP: the same QEMU arguments and steps from this program: blockdev-add twice, with memory migrate to an open file
            until its end, the transaction, with memory cont; without memory neither side stops the guest. Its layer is made beforehand, and it records nothing;
            "synced" adds an fsync of its layer and its memory after that, so that neither side's snapshot is slowed by what the other has left to be written.
            Whole snapshot by Lamina: request, layer, commits, files synced, end on disk. The verdict compares the medians; where the interval of the pairs'
            difference reaches across what is allowed, the run was too loud to settle it.

            """);
        return text.ToString();
    }

    private static void Figure(StringBuilder text, string what, SnapshotFigures figures, Summary commit)
    {
        double most = (Wanted * figures.Halt.Bare.Median) + commit.Median;
        var difference = figures.Halt.Difference;
        Report.Figure(
            text, $"guest stands still, {what}, medians",
            string.Create(CultureInfo.InvariantCulture, $"{figures.Halt.Lamina.Median:0.0} ms{(figures.Ratio is { } ratio ? $", {ratio.ToString("0.00", CultureInfo.InvariantCulture)}x" : "")}; difference of pairs {difference.Median:0.0} ms [{difference.Low:0.0}, {difference.High:0.0}]"),
            string.Create(CultureInfo.InvariantCulture, $"≤ 1.1x + one commit = {most:0.0} ms"), figures.Halt.Lamina.Median <= most);
    }

    private sealed record Taken(double Halt, double Whole, double Synced, double Coarsest);
}
