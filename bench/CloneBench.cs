using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Api;

namespace Lamina.Bench;

/// <summary>What <c>./dev bench clone</c> found out. Times are milliseconds.</summary>
internal sealed record CloneResult
{
    public required DateTimeOffset At { get; init; }
    public required string Machine { get; init; }
    public required string FileSystem { get; init; }
    public required long DiskBytes { get; init; }
    public required long DataBytes { get; init; }

    /// <summary>From the request to the end of the operation that copies: the VM is on record and its disk in place.</summary>
    public required Summary Linked { get; init; }

    /// <summary>The same, and until the VM is stopped on record and can be started.</summary>
    public required Summary LinkedUsable { get; init; }

    /// <summary><c>qemu-img create -b</c>.</summary>
    public required Summary BareLinked { get; init; }
    public required Summary Full { get; init; }

    /// <summary><c>cp --reflink=auto --sparse=always</c> and <c>sync</c> of the file.</summary>
    public required Summary BareFull { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CloneResult))]
internal sealed partial class CloneBenchJson : JsonSerializerContext;

/// <summary>Clones of a VM with a disk of 10 GiB, of which some is data: linked and whole, each beside the bare tool.</summary>
internal sealed class CloneBench(BenchOptions options, string folder)
{
    private const long DiskBytes = 10L << 30;
    private const int DataMiB = 512;
    private const int FullClones = 5;
    private const string Source = "clone-source";

    public static async Task ReportAsync(BenchOptions options)
    {
        var result = await RunAsync(options);
        await Report.WriteAsync(options.Results, "clone", Json(result), Table(result));
    }

    private static Task<CloneResult> RunAsync(BenchOptions options) => Bench.InFolderAsync(folder => new CloneBench(options, folder).MeasureAsync());

    private static string Json(CloneResult result) => JsonSerializer.Serialize(result, CloneBenchJson.Default.CloneResult) + "\n";

    private static string Table(CloneResult result)
    {
        var text = new StringBuilder();
        Line(text, $"# ./dev bench clone");
        Line(text, $"");
        Line(text, $"{result.At:yyyy-MM-dd HH:mm} UTC · {result.Machine} · {result.FileSystem}");
        Line(text, $"");
        Line(text, $"A VM with a disk of {Sizes.Format(result.DiskBytes)}, of which {Sizes.Format(result.DataBytes)} are data.");
        Line(text, $"");
        Line(text, $"| milliseconds | n | median | 10 % | 90 % |");
        Line(text, $"|---|---|---|---|---|");
        Row(text, "linked clone: Lamina, copied and on record", result.Linked);
        Row(text, "linked clone: Lamina, stopped and ready to start", result.LinkedUsable);
        Row(text, "linked clone: bare `qemu-img create -b`", result.BareLinked);
        Row(text, "full clone: Lamina", result.Full);
        Row(text, "full clone: bare `cp --reflink=auto --sparse=always`, synced", result.BareFull);
        Line(text, $"");
        Line(text, $"| figure | measured | to reach | |");
        Line(text, $"|---|---|---|---|");
        Line(text, $"| linked clone of a 10 GiB disk, median | {result.Linked.Median:0.0} ms | < 100 ms | {(result.Linked.Median < 100 ? "reached" : "**missed**")} |");
        text.Append("""

            How: one run on the AOT binaries, over the local socket by a connection that is kept; the source is a template (linked) and a stopped VM (full). Lamina's
            times hold the request, the commits, the files synced to disk, and the commit of the new VM with its addresses and records.

            """);
        return text.ToString();
    }

    private async Task<CloneResult> MeasureAsync()
    {
        await using var daemon = new BenchDaemon(options.Programs, folder);
        await daemon.StartAsync();
        string disk = await PrepareAsync(daemon);
        var full = new List<double>();
        var bareFull = new List<double>();
        for (int index = 0; index < FullClones; index++)
        {
            full.Add((await CloneAsync(daemon, $"full{index}", linked: false)).Copied);
            await DeleteAsync(daemon, $"full{index}");
            string copy = Path.Join(folder, "bare-copy");
            bareFull.Add(await Run.TimeProgramAsync("sh", ["-c", "cp --reflink=auto --sparse=always \"$0\" \"$1\" && sync \"$1\"", disk, copy]));
            File.Delete(copy);
        }

        await daemon.Client.Vms.SetTemplateAsync(Source, new VmTemplateRequest(), CancellationToken.None);
        var linked = new List<(double Copied, double Usable)>();
        var bareLinked = new List<double>();
        for (int index = 0; index < options.Pairs; index++)
        {
            linked.Add(await CloneAsync(daemon, $"linked{index}", linked: true));
            await DeleteAsync(daemon, $"linked{index}");
            string overlay = Path.Join(folder, "bare-overlay");
            bareLinked.Add(await Run.TimeProgramAsync("qemu-img", ["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", disk, overlay]));
            File.Delete(overlay);
        }

        return new CloneResult
        {
            At = TimeProvider.System.GetUtcNow(),
            Machine = $"{Environment.ProcessorCount} CPUs · Linux {(await Run.OutputAsync("uname", "-r")).Trim()} · load {File.ReadAllText("/proc/loadavg").Split(' ')[0]}",
            FileSystem = (await Run.OutputAsync("findmnt", "-n", "-o", "FSTYPE", "-T", folder)).Trim(),
            DiskBytes = DiskBytes,
            DataBytes = (long)DataMiB << 20,
            Linked = Summary.Of([.. linked.Select(times => times.Copied)]),
            LinkedUsable = Summary.Of([.. linked.Select(times => times.Usable)]),
            BareLinked = Summary.Of(bareLinked),
            Full = Summary.Of(full),
            BareFull = Summary.Of(bareFull),
        };
    }

    /// <returns>The file of the source's disk.</returns>
    private async Task<string> PrepareAsync(BenchDaemon daemon)
    {
        await UntilReadyAsync(daemon);
        var create = new VmCreate { Name = Source, Disks = [new VmDiskCreate { SizeBytes = DiskBytes }] };
        await EndOfAsync(daemon, await daemon.Client.Vms.CreateAsync(create, CancellationToken.None));
        var vm = (await daemon.Client.Vms.GetAsync(Source, CancellationToken.None)).Value;
        string id = vm.Spec.Disks[0].Disk;
        string disk = Path.Join(folder, "data", "pools", "default", "disks", id, "disk.qcow2");
        for (int offset = 0; offset < DataMiB; offset += 64)
            await Run.OutputAsync("qemu-io", "-f", "qcow2", "-c", string.Create(CultureInfo.InvariantCulture, $"write -P {1 + (offset % 250)} {offset * 16L}M 64M"), disk);
        return disk;
    }

    private static async Task UntilReadyAsync(BenchDaemon daemon)
    {
        while (true)
        {
            await foreach (var host in daemon.Client.Hosts.ListAsync(CancellationToken.None))
            {
                if (host.Status?.DefaultMachineType is not null) return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50));
        }
    }

    private static async Task<(double Copied, double Usable)> CloneAsync(BenchDaemon daemon, string name, bool linked)
    {
        long begun = TimeProvider.System.GetTimestamp();
        var operation = await daemon.Client.Vms.CloneAsync(Source, new VmClone { Name = name, Linked = linked }, CancellationToken.None);
        var ended = await EndOfAsync(daemon, operation);
        double copied = Run.Since(begun);
        await EndOfAsync(daemon, await daemon.Client.Operations.GetAsync((string)ended.State!.Result!["operation"]!, CancellationToken.None));
        return (copied, Run.Since(begun));
    }

    private static async Task DeleteAsync(BenchDaemon daemon, string name) =>
        await EndOfAsync(daemon, await daemon.Client.Vms.DeleteAsync(name, force: true, CancellationToken.None));

    private static async Task<Operation> EndOfAsync(BenchDaemon daemon, Operation operation)
    {
        var ended = await daemon.Client.Operations.WaitAsync(operation.Id, null, CancellationToken.None);
        return ended.State?.Phase == OperationPhase.Succeeded ? ended : throw new InvalidOperationException($"{ended.Request.Kind}: {ended.State?.Failure?.Message}");
    }

    private static void Row(StringBuilder text, string what, Summary summary) =>
        Line(text, $"| {what} | {summary.Count} | {summary.Median:0.0} | {summary.P10:0.0} | {summary.P90:0.0} |");

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
