using System.Globalization;
using System.Text;

namespace Lamina.Bench.Web;

/// <summary>The result of <c>./dev bench web</c> for people.</summary>
internal static class WebTable
{
    public static string Of(WebResult result)
    {
        var text = new StringBuilder();
        var pages = Summary.Of(result.Pages.PageCpuPercent);
        Line(text, $"# ./dev bench web");
        Line(text, $"");
        Line(text, $"{result.At:yyyy-MM-dd HH:mm} UTC · {result.Machine.Cpu}, {result.Machine.Cores} CPUs · Linux {result.Machine.Kernel}");
        Line(text, $"Load averages (1, 5, 15 min) before: {result.Machine.LoadBefore}; after: {result.Machine.LoadAfter}.");
        Line(text, $"");
        Line(text, $"{result.Hosts} hosts, {result.Vms:N0} VMs; {result.ChangesPerSecond:0} changes of status a second; {result.Pages.Pages} pages that show the table of VMs and the tree.");
        Line(text, $"");
        Line(text, $"| figure | measured | to reach | |");
        Line(text, $"|---|---|---|---|");
        Report.Figure(text, "changes a second, without which the rest says little", $"{result.ChangesPerSecond:0}", "≥ 490", result.ChangesPerSecond >= 490);
        Report.Figure(text, $"first rows of {result.Vms:N0} VMs, median (90 %) of {result.FirstRows.Count}", $"{result.FirstRows.Median:0} ({result.FirstRows.P90:0}) ms", "≤ 1000 ms", result.FirstRows.Median <= 1000);
        Report.Figure(text, "a page, of one core, median (90 %)", $"{pages.Median:0.0} ({pages.P90:0.0}) %", "< 5 %", pages.Median < 5);
        Report.Figure(text, $"laminad, of one core, on account of {result.Pages.Pages} pages", $"{result.PagesCostDaemonPercent:0.0} %", "< 3 %", result.PagesCostDaemonPercent is >= 0 and < 3);
        Line(text, $"");
        Line(text, $"| of one core | % |");
        Line(text, $"|---|---|");
        Line(text, $"| a page's main thread, mean | {result.Pages.TaskPercent:0.0} |");
        Line(text, $"| of it JavaScript | {result.Pages.ScriptPercent:0.0} |");
        Line(text, $"| of it layout and style | {result.Pages.LayoutPercent:0.0} |");
        Line(text, $"| the browser's other processes, for all pages | {result.Pages.RestCpuPercent:0.0} |");
        Line(text, $"| laminad, with the same changes and no page | {result.DaemonAloneCpuPercent:0.0} |");
        Line(text, $"| laminad, with all pages | {result.DaemonCpuPercent:0.0} |");
        text.Append("""

            How: one real laminad with the etcd that it runs itself, and Chromium without a screen, every page in a profile of its own. The hosts are simulated, from one process: each holds
            a lease, tells its load every 10 s and changes the status of one VM after the other, through the store. First rows: from the begin of the navigation, with an empty cache and without changes.
            A page's cost is that of its renderer process with all threads, as Chromium counts it, over 30 s; the daemon's is the difference of the same load with pages and without.

            """);
        return text.ToString();
    }

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
