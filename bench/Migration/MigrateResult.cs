using System.Globalization;
using System.Text;

namespace Lamina.Bench.Migration;

/// <summary>One migration. Milliseconds.</summary>
/// <param name="Total">From the command to its end: the guest runs at the target, and the source's process is gone.</param>
/// <param name="Gap">The longest space between two ticks that the listener heard of the guest.</param>
internal sealed record Move(double Total, double Gap)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Total:0}/{Gap:0} ms");
}

internal sealed record MovePair(Move Lamina, Move Bare);

/// <summary>Times of one kind of migration.</summary>
internal sealed record Moves(Summary Total, Summary Gap)
{
    public static Moves? Of(IReadOnlyList<Move> moves) =>
        moves.Count == 0 ? null : new Moves(Summary.Of([.. moves.Select(move => move.Total)]), Summary.Of([.. moves.Select(move => move.Gap)]));
}

/// <summary>All that a run of <c>./dev bench migrate</c> found out. Milliseconds.</summary>
internal sealed record MigrateResult
{
    public DateTimeOffset At { get; init; }
    public required Machine? Machine { get; init; }
    public required GuestWork? Work { get; init; }
    public required Moves Lamina { get; init; }

    /// <summary>With the same encryption.</summary>
    public required Moves Bare { get; init; }

    /// <summary>With certificates only, as QEMU's manual has it: QEMU makes a Diffie-Hellman group each time.</summary>
    public required Moves? BareWithoutGroup { get; init; }
    public required Moves? BareInTheClear { get; init; }
    public required Moves? Virsh { get; init; }
    public required Summary Transaction { get; init; }
    public required Summary RoundTrip { get; init; }

    /// <summary>Lamina by script, median of the pairs.</summary>
    public required Interval TotalRatio { get; init; }

    /// <summary>Lamina's gap by what it may be, median of the pairs: that of the script, a transaction, a round trip (their medians).</summary>
    public required Interval GapRatio { get; init; }

    /// <summary>Lamina's gap less the script's, median of the pairs.</summary>
    public required Interval GapDifference { get; init; }
    public required IReadOnlyList<MovePair> Pairs { get; init; }

    public static MigrateResult Of(IReadOnlyList<MovePair> pairs, IReadOnlyList<Move> plain, IReadOnlyList<Move> clear, IReadOnlyList<Move> virsh, IReadOnlyList<double> transactions, IReadOnlyList<double> trips)
    {
        var (transaction, trip) = (Summary.Of([.. transactions]), Summary.Of([.. trips]));
        return new MigrateResult
        {
            Machine = null,
            Work = null,
            Lamina = Moves.Of([.. pairs.Select(pair => pair.Lamina)])!,
            Bare = Moves.Of([.. pairs.Select(pair => pair.Bare)])!,
            BareWithoutGroup = Moves.Of(plain),
            BareInTheClear = Moves.Of(clear),
            Virsh = Moves.Of(virsh),
            Transaction = transaction,
            RoundTrip = trip,
            TotalRatio = Statistics.MedianInterval([.. pairs.Select(pair => pair.Lamina.Total / pair.Bare.Total)]),
            GapRatio = Statistics.MedianInterval([.. pairs.Select(pair => pair.Lamina.Gap / ((MigrateTable.Wanted * pair.Bare.Gap) + transaction.Median + trip.Median))]),
            GapDifference = Statistics.MedianInterval([.. pairs.Select(pair => pair.Lamina.Gap - pair.Bare.Gap)]),
            Pairs = pairs,
        };
    }
}

/// <summary>The result for people (pure).</summary>
internal static class MigrateTable
{
    /// <summary>So many times of the script's figures.</summary>
    public const double Wanted = 1.10;

    public static string Of(MigrateResult result)
    {
        var text = new StringBuilder("# ./dev bench migrate\n\n");
        Report.Heading(text, result.At, result.Machine!);
        text.Append("| milliseconds | n | median | 10 % | 90 % | 99 % |\n|---|---|---|---|---|---|\n");
        foreach (var (what, moves) in new[] { ("Lamina", result.Lamina), ("bare script, TLS", result.Bare), ("bare script, TLS as QEMU's manual has it", result.BareWithoutGroup), ("bare script, in the clear", result.BareInTheClear), ("virsh migrate, TLS", result.Virsh) })
        {
            if (moves is null) continue;
            Report.Row(text, $"total: {what}", moves.Total);
            Report.Row(text, $"gap: {what}", moves.Gap);
        }

        Report.Row(text, "one transaction of the store", result.Transaction);
        Report.Row(text, "one round trip between the hosts", result.RoundTrip);
        text.Append("\n| figure | measured | to reach | |\n|---|---|---|---|\n");
        Report.Figure(text, "total time, Lamina / script, median of pairs [95 %]", Words(result.TotalRatio), "≤ 1.10", result.TotalRatio.Median <= Wanted);
        Report.Figure(text, "gap, Lamina / (1.10 × script + transaction + round trip), median of pairs [95 %]", Words(result.GapRatio), "≤ 1", result.GapRatio.Median <= 1);
        text.Append(CultureInfo.InvariantCulture, $"| gap, Lamina − script, median of pairs [95 %] | {result.GapDifference.Median:0.0} ms [{result.GapDifference.Low:0.0}, {result.GapDifference.High:0.0}] | | |\n");
        if (result.Virsh is { } virsh)
            text.Append(CultureInfo.InvariantCulture, $"| virsh's median total by Lamina's; gap by gap | {virsh.Total.Median / result.Lamina.Total.Median:0.00}; {virsh.Gap.Median / result.Lamina.Gap.Median:0.00} | | |\n");
        text.Append(CultureInfo.InvariantCulture, $$"""

            How: one run on the AOT binaries. Two daemons, each in network, mount and UTS namespaces of its own, one etcd with mutual TLS, a directory that both share, all on this machine. The guest: a small
            Linux under software emulation, {{result.Work!.MemoryMiB}} MiB, {{result.Work.FilledMiB}} MiB of it random, {{result.Work.DirtyMiB}} MiB of that written anew at {{result.Work.DirtyMiBPerSecond}} MiB/s; it sends a datagram every {{result.Work.PeriodMs}} ms to a listener that belongs to none
            of the compared. Gap: the longest space between two of them, from before the command until after its end. Pairs in random order; a guest that is not being moved stands still. Total: until the
            guest runs at the target and the source's process has ended; Lamina: the API call over the local socket until its operation has ended, which is on disk by then. Script: QEMU with the arguments that
            Lamina gives it, its steps one after the other over QMP by name sockets (`bench/Migration/BareMigration.cs`): a paused target, the same capabilities, two streams, TLS by certificates and
            a Diffie-Hellman group made beforehand (without that group, which the manual of QEMU leaves out, QEMU makes one each time: the second row), `cont` as soon as both sides say completed, `quit`. It has a cgroup, and asks nobody who may run the guest, makes no tap, packet rules, user or certificate, and keeps no record. virsh: `migrate --live --tls
            --parallel`, two libvirtd without cgroups or namespaces per guest. Intervals: bootstrap of the median, 10,000 resamples.

            """);
        return text.ToString();
    }

    private static string Words(Interval ratio) => string.Create(CultureInfo.InvariantCulture, $"{ratio.Median:0.000} [{ratio.Low:0.000}, {ratio.High:0.000}]");
}
