using System.Globalization;
using System.Text;
using System.Text.Json;
using Lamina.Api;

namespace Lamina.Bench;

/// <summary>All that a run of <c>./dev bench density</c> found out. Times are milliseconds.</summary>
internal sealed record DensityResult
{
    public required DateTimeOffset At { get; init; }
    public required Machine Machine { get; init; }
    public required int Guests { get; init; }
    public required int Block { get; init; }
    public required Summary Lamina { get; init; }
    public required Summary Bare { get; init; }

    /// <summary>Guests a second, all of them one after the other.</summary>
    public required double LaminaPerSecond { get; init; }
    public required double BarePerSecond { get; init; }

    /// <summary>Lamina's rate as a part of the script's.</summary>
    public required double Ratio { get; init; }

    /// <summary>How many of them the daemon says run, once the last was started.</summary>
    public required int Known { get; init; }

    /// <summary><c>lamina vm list</c> with all of them running.</summary>
    public required Summary VmList { get; init; }
    public required long IdleKiB { get; init; }
    public required long RunningKiB { get; init; }
    public required double PerRunningKiB { get; init; }

    /// <summary>CPU time of the daemon over a minute with all of them running, in percent of a core: metrics, pings, nothing else.</summary>
    public required double CpuPercent { get; init; }
    public required IReadOnlyList<IReadOnlyList<double>> Starts { get; init; }
}

/// <summary>
/// 100 guests of 32 MiB that halt in their firmware, created and started one after the other and left running, beside a loop of the bare script: in blocks
/// of ten, in random order. A guest under TCG keeps a core busy for a second until it halts, so those of either side stay until their block is over.
/// </summary>
internal static class DensityBench
{
    private const int Guests = 100;
    private const int Block = 10;
    private const int MemoryMiB = 32;
    private const int Listings = 30;
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(60);

    public static Task RunAsync(BenchOptions options) => Bench.InFolderAsync(async folder =>
    {
        var result = await RunAsync(options, folder);
        await Report.WriteAsync(options.Results, "density", JsonSerializer.Serialize(result, BenchJson.Default.DensityResult) + "\n", Table(result));
    });

    private static async Task<DensityResult> RunAsync(BenchOptions options, string folder)
    {
        string before = Bench.Load();
        await using var daemon = new BenchDaemon(options.Programs, folder);
        await daemon.StartAsync();
        long idle = await daemon.IdleResidentAsync();
        var first = new LaminaGuest(daemon.Client, "density", MemoryMiB);
        await using var bare = new BareFleet(options.Scripts, folder, Block);
        await bare.PrepareAsync(daemon, first);
        var (lamina, script) = (new List<double>(), new List<double>());
        for (int block = 0; block < Guests / Block; block++)
        {
            bool isOurTurn = Random.Shared.Next(2) == 0;
            if (isOurTurn) await LaunchAsync(daemon, block, lamina);
            script.AddRange(await bare.StartAsync());
            await Task.Delay(Rest);
            await bare.StopAsync();
            if (!isOurTurn) await LaunchAsync(daemon, block, lamina);
            Console.Error.WriteLine($"block {block}: {lamina.TakeLast(Block).Average():0} {script.TakeLast(Block).Average():0}");
        }

        int known = 0;
        await foreach (var vm in daemon.Client.Vms.ListAsync(CancellationToken.None)) known += vm.Status?.State == VmState.Running ? 1 : 0;
        var list = await new DaemonMeasurement(daemon, options).ListAsync(Listings);
        double spent = await daemon.CpuSecondsAsync();
        await Task.Delay(Watched);
        double cpu = 100 * (await daemon.CpuSecondsAsync() - spent) / Watched.TotalSeconds;
        long running = await daemon.IdleResidentAsync();
        return new DensityResult
        {
            At = TimeProvider.System.GetUtcNow(),
            Guests = Guests,
            Block = Block,
            Lamina = Summary.Of(lamina),
            Bare = Summary.Of(script),
            LaminaPerSecond = 1000 / lamina.Average(),
            BarePerSecond = 1000 / script.Average(),
            Ratio = script.Average() / lamina.Average(),
            Known = known,
            VmList = list,
            IdleKiB = idle,
            RunningKiB = running,
            PerRunningKiB = (double)(running - idle) / Guests,
            CpuPercent = cpu,
            Starts = [[.. lamina.Select(time => Math.Round(time, 2))], [.. script.Select(time => Math.Round(time, 2))]],
            Machine = await Bench.MachineAsync(before),
        };
    }

    private static async Task LaunchAsync(BenchDaemon daemon, int block, List<double> times)
    {
        for (int guest = 0; guest < Block; guest++) times.Add(await new LaminaGuest(daemon.Client, $"density-{(block * Block) + guest}", MemoryMiB).LaunchAsync());
        await Task.Delay(Rest);
    }

    private static string Table(DensityResult result)
    {
        var text = new StringBuilder("# ./dev bench density\n\n");
        Report.Heading(text, result.At, result.Machine);
        text.Append("| milliseconds | n | median | 10 % | 90 % | 99 % |\n|---|---|---|---|---|---|\n");
        Report.Row(text, "create and start: Lamina", result.Lamina);
        Report.Row(text, "create and start: bare script", result.Bare);
        Report.Row(text, $"lamina vm list, {result.Guests} VMs running", result.VmList);
        text.Append("\n| figure | measured | to reach | |\n|---|---|---|---|\n");
        string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
        Report.Figure(text, "guests created and started in a second: Lamina / bare script", $"{Number(result.LaminaPerSecond, "0.00")} / {Number(result.BarePerSecond, "0.00")} = {Number(100 * result.Ratio, "0")} %", "≥ 70 %", result.Ratio >= 0.7);
        Report.Figure(text, "known and running", $"{result.Known}", $"{result.Guests}", result.Known == result.Guests);
        Report.Figure(text, "listed (median)", $"{Number(result.VmList.Median, "0.0")} ms", "< 20 ms", result.VmList.Median < 20);
        Report.Figure(text, "laminad resident, idle", $"{Number(result.IdleKiB / 1024.0, "0.0")} MiB", "< 60 MB", result.IdleKiB * 1024 < 60_000_000);
        text.Append(CultureInfo.InvariantCulture, $"| laminad resident, with {result.Guests} running | {result.RunningKiB / 1024.0:0.0} MiB, {result.PerRunningKiB:0} KiB each | | |\n");
        text.Append(CultureInfo.InvariantCulture, $"| laminad's CPU time with {result.Guests} running, metrics every 10 s | {result.CpuPercent:0.0} % of a core | | |\n");
        text.Append("""

            How: AOT binaries; blocks of ten, one guest after the other, Lamina and the script in random order, then 10 s of rest, in which the guests halt. Lamina's run on, the
            script's are removed when their block is over, outside of the measured time. Guest: 32 MiB, one qcow2 overlay, one card in a bridge, halts in its firmware. Lamina: API call over the local socket until the
            operation has ended and its end is on disk. Script: `bench/bare-start.sh`, the same QEMU arguments, until QEMU answers "running"; it syncs and records nothing.

            """);
        return text.ToString();
    }
}
