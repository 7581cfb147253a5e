using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Lamina.Bench;

/// <summary>The result for people (Markdown) and for programs (JSON).</summary>
internal static class Report
{
    public static string Json(BenchResult result) => JsonSerializer.Serialize(result, BenchJson.Default.BenchResult) + "\n";

    public static string Table(BenchResult result)
    {
        var text = new StringBuilder();
        var (launch, start, daemon) = (result.Launch, result.Start, result.Daemon);
        Line(text, $"# ./dev bench start");
        Line(text, $"");
        Line(text, $"{result.At:yyyy-MM-dd HH:mm} UTC · {result.Machine.Cpu}, {result.Machine.Cores} CPUs · Linux {result.Machine.Kernel} · QEMU {result.Machine.Qemu} · libvirt {result.Machine.Libvirt}");
        Line(text, $"Load averages (1, 5, 15 min) before: {result.Machine.LoadBefore}; after: {result.Machine.LoadAfter}.");
        Line(text, $"");
        Line(text, $"| milliseconds | n | median | 10 % | 90 % | 99 % |");
        Line(text, $"|---|---|---|---|---|---|");
        Row(text, "create and start: Lamina", launch.Lamina);
        Row(text, "create and start: bare script", launch.Bare);
        Row(text, "start: Lamina", start.Lamina);
        Row(text, "start: bare script", start.Bare);
        Row(text, "start: libvirt (virsh)", result.Virsh);
        Row(text, $"laminad: exec to first answer, {daemon.Recorded} VMs on record", daemon.FirstAnswer);
        Row(text, "lamina vm list, 1 VM", daemon.VmList);
        Row(text, $"lamina vm list, {daemon.Recorded} VMs", daemon.LongVmList);
        Line(text, $"");
        Line(text, $"| figure | measured | to reach | |");
        Line(text, $"|---|---|---|---|");
        Figure(text, "create and start, Lamina − bare, median of pairs [95 %]", Words(launch.Difference), "≤ 10 ms", launch.Difference.Median <= 10);
        Figure(text, "start, Lamina − bare, median of pairs [95 %]", Words(start.Difference), "≤ 10 ms", start.Difference.Median <= 10);
        Figure(text, "times faster than virsh start", $"{result.TimesFasterThanVirsh:0.0}", "≥ 2", result.TimesFasterThanVirsh >= 2);
        Figure(text, "laminad resident, idle", $"{daemon.IdleKiB / 1024.0:0.0} MiB", "< 60 MB", daemon.IdleKiB * 1024 < 60_000_000);
        Figure(text, "laminad resident, more for each VM on record", $"{daemon.PerVmKiB:0.0} KiB", "< 100 KB", daemon.PerVmKiB * 1024 < 100_000);
        Figure(text, $"laminad, first answer with {daemon.Recorded} VMs on record", $"{daemon.FirstAnswer.Median:0} ms", "< 1 s", daemon.FirstAnswer.Median < 1000);
        Figure(text, "lamina vm list, warm daemon", $"{daemon.VmList.Median:0.0} ms", "< 20 ms", daemon.VmList.Median < 20);
        text.Append("""

            How: one run on the AOT binaries; pairs of Lamina and the bare script in random order, libvirt in between. Guest: 64 MiB, one qcow2 overlay, one card in
            a bridge; it halts in its firmware. Lamina: API call over the local socket (connection kept) until the operation has ended and its end is on disk.
            Bare: `bench/bare-start.sh`, the same QEMU arguments, until QEMU answers "running"; it syncs and records nothing. libvirt: one virsh whose connection
            is kept, a private libvirtd without cgroups, namespaces and a uid of its own. Intervals: bootstrap of the median, 10,000 resamples. 99 %: only of 300 and more.

            """);
        return text.ToString();
    }

    private static string Words(Interval difference) =>
        string.Create(CultureInfo.InvariantCulture, $"{difference.Median:0.0} ms [{difference.Low:0.0}, {difference.High:0.0}]");

    public static async Task WriteAsync(string folder, string name, string json, string table)
    {
        Directory.CreateDirectory(folder);
        await File.WriteAllTextAsync(Path.Join(folder, $"{name}.json"), json);
        await File.WriteAllTextAsync(Path.Join(folder, $"{name}.md"), table);
        Console.WriteLine(json);
        Console.WriteLine(table);
    }

    /// <summary>When and where it ran.</summary>
    public static void Heading(StringBuilder text, DateTimeOffset at, Machine machine)
    {
        Line(text, $"{at:yyyy-MM-dd HH:mm} UTC · {machine.Cpu}, {machine.Cores} CPUs · Linux {machine.Kernel} · QEMU {machine.Qemu}");
        Line(text, $"Load averages (1, 5, 15 min) before: {machine.LoadBefore}; after: {machine.LoadAfter}.");
        Line(text, $"");
    }

    public static void Row(StringBuilder text, string what, Summary summary) => Line(
        text, $"| {what} | {summary.Count} | {summary.Median:0.0} | {summary.P10:0.0} | {summary.P90:0.0} | {(summary.P99 is { } p99 ? p99.ToString("0.0", CultureInfo.InvariantCulture) : "–")} |");

    public static void Figure(StringBuilder text, string what, string measured, string wanted, bool reached) =>
        Line(text, $"| {what} | {measured} | {wanted} | {(reached ? "reached" : "**missed**")} |");

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
