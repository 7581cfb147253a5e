using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;

namespace Lamina.Bench.Web;

/// <summary>One real daemon with its real etcd, 5,000 VMs on record of which 500 a second change, and ten pages of the web console in a real browser.</summary>
internal static class WebBench
{
    private const int Hosts = 50;
    private const int Vms = 5000;
    private const int Pages = 10;
    private const string Password = "bench bench bench";

    /// <summary>Each host changes one of its VMs so often: 500 changes a second in all, each VM every 10 s.</summary>
    private static readonly TimeSpan StatusInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ScriptPatience = TimeSpan.FromMinutes(5);

    public static Task ReportAsync(BenchOptions options) => Bench.InFolderAsync(async folder =>
    {
        string before = Bench.Load();
        var result = await MeasureAsync(options, folder) with { Machine = await Bench.MachineAsync(before) };
        await Report.WriteAsync(options.Results, "web", JsonSerializer.Serialize(result, WebBenchJson.Default.WebResult) + "\n", WebTable.Of(result));
    });

    private static async Task<WebResult> MeasureAsync(BenchOptions options, string folder)
    {
        await using var daemon = new BenchDaemon(options.Programs, folder);
        await daemon.StartAsync();
        await ScaleBench.FoundAsync(daemon, "web");
        await using var store = await ScaleBench.OpenAsync(folder);
        string image = Path.Join(folder, "image.qcow2");
        await Run.OutputAsync("qemu-img", "create", "-q", "-f", "qcow2", image, "1G");
        await daemon.CliAsync("image", "import", image, "--name", LaminaGuest.Image, "--no-cloud-init");
        await daemon.Client.Users.SetPasswordAsync("admin", new PasswordChange { Password = Password }, CancellationToken.None);
        var world = await ScaleBench.WorldAsync(daemon, store);
        world.StatusInterval = StatusInterval;
        await world.FillAsync(Hosts, Vms, CancellationToken.None);

        var browser = new Browser(Path.Join(options.Scripts, "..", "web", "bench", "load.mjs"), await daemon.AddressAsync());
        var first = await browser.RunAsync("first", WebBenchJson.Default.FirstRows);
        return await LoadAsync(daemon, world, browser) with { FirstRows = Summary.Of(first.FirstRowsMs) };
    }

    private static async Task<WebResult> LoadAsync(BenchDaemon daemon, ScaleWorld world, Browser browser)
    {
        using var writing = new CancellationTokenSource();
        var commits = new ConcurrentQueue<DateTimeOffset>();
        var written = world.WriteAsync((_, _, _) => commits.Enqueue(TimeProvider.System.GetUtcNow()), writing.Token);
        await Task.Delay(Settle, CancellationToken.None);
        double alone = await CpuAsync(daemon, Measured);
        using var end = new CancellationTokenSource();
        var samples = SampleAsync(daemon, end.Token);
        var pages = await browser.RunAsync("pages", WebBenchJson.Default.PagesResult);
        await end.CancelAsync();
        await writing.CancelAsync();
        await ScaleBench.EndedAsync(written);
        if (pages.Lines.Contains(false)) throw new InvalidOperationException("A page has lost its line to the daemon: its figures say nothing.");
        if (pages.Rows < Vms) throw new InvalidOperationException($"A page shows {pages.Rows} VMs of {Vms}.");
        return new WebResult
        {
            At = TimeProvider.System.GetUtcNow(),
            Machine = null!,
            Vms = Vms,
            Hosts = Hosts,
            FirstRows = null!,
            Pages = pages,
            ChangesPerSecond = commits.Count(at => at >= pages.BeganAt && at <= pages.EndedAt) / (pages.EndedAt - pages.BeganAt).TotalSeconds,
            DaemonAloneCpuPercent = alone,
            DaemonCpuPercent = CpuWithin(await samples, pages.BeganAt, pages.EndedAt),
        };
    }

    private static async Task<double> CpuAsync(BenchDaemon daemon, TimeSpan duration)
    {
        long from = TimeProvider.System.GetTimestamp();
        double cpu = await daemon.CpuSecondsAsync();
        await Task.Delay(duration, CancellationToken.None);
        return 100 * (await daemon.CpuSecondsAsync() - cpu) / (Run.Since(from) / 1000);
    }

    /// <summary>The daemon's CPU time every quarter of a second, since the browser alone knows when its measurement began.</summary>
    private static async Task<IReadOnlyList<(DateTimeOffset At, double Seconds)>> SampleAsync(BenchDaemon daemon, CancellationToken cancellationToken)
    {
        var samples = new List<(DateTimeOffset, double)>();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        while (!cancellationToken.IsCancellationRequested)
        {
            samples.Add((TimeProvider.System.GetUtcNow(), await daemon.CpuSecondsAsync()));
            await timer.WaitForNextTickAsync(CancellationToken.None);
        }

        return samples;
    }

    private static double CpuWithin(IReadOnlyList<(DateTimeOffset At, double Seconds)> samples, DateTimeOffset from, DateTimeOffset to)
    {
        var (first, last) = (samples.First(sample => sample.At >= from), samples.Last(sample => sample.At <= to));
        return 100 * (last.Seconds - first.Seconds) / (last.At - first.At).TotalSeconds;
    }

    /// <summary>The script that drives Chromium.</summary>
    private sealed record Browser(string Script, string Address)
    {
        public async Task<T> RunAsync<T>(string what, JsonTypeInfo<T> type)
        {
            string[] settings = [$"LAMINA_ADDRESS={Address}", $"LAMINA_PASSWORD={Password}", $"LAMINA_PAGES={Pages}", $"LAMINA_SECONDS={Measured.TotalSeconds.ToString(CultureInfo.InvariantCulture)}"];
            string output = await Run.OutputWithinAsync(ScriptPatience, "env", [.. settings, "node", Script, what]);
            return JsonSerializer.Deserialize(output.TrimEnd().Split('\n')[^1], type)!;
        }
    }
}
