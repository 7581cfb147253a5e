using System.Globalization;
using System.Text;
using Lamina.Bench.Migration;

namespace Lamina.Bench.Evacuation;

/// <summary>Hosts that were emptied once.</summary>
/// <param name="How">By whom.</param>
/// <param name="Seconds">From the command until the last guest had gone.</param>
/// <param name="LeastSeconds">The memory that was not zero, at the rate of its link; of several links the longest.</param>
/// <param name="Busy">How much of that time the link was busy, of several the least busy one.</param>
/// <param name="Load">The machine's load averages at the beginning.</param>
internal sealed record Emptying(string How, double Seconds, double LeastSeconds, double Busy, string Load)
{
    public double Ratio => Seconds / LeastSeconds;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{How}: {Seconds:0.0} s, {Ratio:0.00} of the least, link busy {100 * Busy:0} %, load {Load}");
}

/// <summary>All that a run of <c>./dev bench evacuate</c> found out.</summary>
internal sealed record EvacuateResult
{
    public DateTimeOffset At { get; init; }
    public required Machine? Machine { get; init; }

    /// <summary>On each host that is emptied.</summary>
    public required int Guests { get; init; }
    public required GuestWork Work { get; init; }

    /// <summary>A second, of each host's link.</summary>
    public required int Megabits { get; init; }
    public required IReadOnlyList<Emptying> OneLink { get; init; }

    /// <summary>Two hosts at once, which share no link.</summary>
    public required IReadOnlyList<Emptying> TwoLinks { get; init; }
}

/// <summary>The result for people (pure).</summary>
internal static class EvacuateTable
{
    public static string Of(EvacuateResult result)
    {
        var text = new StringBuilder("# ./dev bench evacuate\n\n");
        Report.Heading(text, result.At, result.Machine!);
        text.Append("| | seconds | by the least | link busy | load averages before |\n|---|---|---|---|---|\n");
        Rows(text, "one host", result.OneLink);
        Rows(text, "two hosts at once", result.TwoLinks);
        text.Append("\n| figure, of the medians | measured | to reach | |\n|---|---|---|---|\n");
        var lamina = result.OneLink.Where(run => run.How == "Lamina").ToList();
        double ratio = Median(lamina, run => run.Ratio), busy = Median(lamina, run => run.Busy);
        Report.Figure(text, "time, by memory that is not zero at the link's rate", Number(ratio), "≤ 1.15", ratio <= 1.15);
        Report.Figure(text, "link busy", $"{Number(100 * busy)} %", "≥ 90 %", busy >= 0.9);
        foreach (var others in result.OneLink.Where(run => run.How != "Lamina").GroupBy(run => run.How))
        {
            double times = Median(lamina, run => run.Ratio) / Median([.. others], run => run.Ratio);
            Report.Figure(text, $"time, by that of {others.Key}", Number(times), "≤ 1", times <= 1);
        }

        double faster = Median([.. result.TwoLinks.Where(run => run.How != "Lamina")], run => run.Ratio) / Median([.. result.TwoLinks.Where(run => run.How == "Lamina")], run => run.Ratio);
        Report.Figure(text, "two pairs of hosts: times faster than one at a time", Number(faster), "≥ 1.5", faster >= 1.5);
        text.Append(CultureInfo.InvariantCulture, $$"""

            How: one run on the AOT binaries. Four daemons in namespaces of their own on this machine, three etcd, a directory that all share; each host's card sends {{result.Megabits}} Mbit/s at most (tc-tbf), store and
            all else on the same card. {{result.Guests}} guests on each host that is emptied: small Linuxes of {{result.Work.MemoryMiB}} MiB under software emulation, {{result.Work.FilledMiB}} MiB of it random, {{result.Work.DirtyMiBPerSecond}} MiB/s written anew. The least: pages of the guests'
            memory that are not zero, counted in QEMU's processes just before, at the link's rate, without TLS, headers and what is written meanwhile. Busy: bytes that the card sent, by what it could have. Lamina:
            `lamina host evacuate`, the first time with nothing known of the link. N at once: the same migrations asked for by a client that has N under way, whichever ends first begins the next. Each way goes
            to and fro; after each every guest was heard on the other host. Two hosts: two such evacuations asked for at once, of hosts that go to different ones; against one at a time over both.

            """);
        return text.ToString();
    }

    private static void Rows(StringBuilder text, string what, IReadOnlyList<Emptying> runs)
    {
        foreach (var run in runs) text.Append(CultureInfo.InvariantCulture, $"| {what}: {run.How} | {run.Seconds:0.0} | {run.Ratio:0.00} | {100 * run.Busy:0} % | {run.Load} |\n");
    }

    private static double Median(IReadOnlyList<Emptying> runs, Func<Emptying, double> of) => Statistics.Quantile(runs.Select(of), 0.5);

    private static string Number(double value) => value.ToString("0.00", CultureInfo.InvariantCulture);
}
