using System.Globalization;
using Lamina.Api;

namespace Lamina.Server.Hosts;

/// <summary>How far a host's clock is ahead of that of the host that asked it.</summary>
/// <param name="Host">Id of the host.</param>
/// <param name="Ahead">Negative: behind.</param>
/// <param name="Doubt">Half of the time that asking took: the truth lies so near.</param>
internal sealed record ClockReading(string Host, TimeSpan Ahead, TimeSpan Doubt);

/// <summary>
/// Whose clock is off (pure). Nothing is ordered by clocks (decision 7): but certificates count by them, people read timelines by them, and guests get the time of their host.
/// </summary>
internal static class HostClocks
{
    /// <summary>So far clocks may be apart: less is not to be had everywhere, and harms nobody.</summary>
    public static readonly TimeSpan Allowed = TimeSpan.FromSeconds(2);

    /// <summary>A host whose clock is off by more gets no VMs. Kerberos, on which guests may rely, allows as much (RFC 4120, 8.2).</summary>
    public static readonly TimeSpan Bearable = TimeSpan.FromMinutes(5);

    public const string Remedy = "Set the clocks of all hosts from one source: systemctl enable --now chrony (or systemd-timesyncd), then look: timedatectl";

    /// <summary>How far each one is ahead of most of them: with three or more, one that has gone wrong is found, also when it is the one that asks.</summary>
    /// <param name="asking">Id of the host that asked the others.</param>
    /// <param name="others">What they said.</param>
    /// <param name="isSuspect">Whether a host's clock is on record as off: where two halves stand against each other, it is the other half that is believed.</param>
    /// <returns>Of all, the asking one too; empty: nobody has answered.</returns>
    public static IReadOnlyList<ClockReading> AgainstMost(string asking, IReadOnlyList<ClockReading> others, Func<string, bool> isSuspect)
    {
        if (others.Count == 0) return [];
        ClockReading[] all = [new ClockReading(asking, TimeSpan.Zero, TimeSpan.Zero), .. others];
        var (low, high) = MiddleOf(all);
        ClockReading[] trusted = high - low <= Allowed ? [] : [.. all.Where(reading => !isSuspect(reading.Host))];
        if (trusted.Length > 0) (low, high) = MiddleOf(trusted);
        // Where that does not tell, the asking one is believed, or what is nearest to it.
        var most = low > TimeSpan.Zero ? low : high < TimeSpan.Zero ? high : TimeSpan.Zero;
        return [.. all.Select(reading => reading with { Ahead = reading.Ahead - most })];
    }

    /// <summary>What is to be on record of a host's clock; null: that it is right, which nothing says.</summary>
    /// <param name="reading">Against most.</param>
    /// <param name="known">What is on record.</param>
    /// <param name="now">Wall time of who writes.</param>
    public static HostClockSkew? Judge(ClockReading reading, HostClockSkew? known, DateTimeOffset now)
    {
        var off = reading.Ahead.Duration();
        if (off <= Allowed) return null;
        // In between it is not sure: what was said holds.
        if (off - reading.Doubt <= Allowed) return known;
        var told = known is null ? TimeSpan.Zero : TimeSpan.FromMilliseconds(known.AheadMs);
        // Written again only when it has become another story.
        if (known is not null && (reading.Ahead - told).Duration() <= told.Duration() / 10 + TimeSpan.FromSeconds(1)) return known;
        return new HostClockSkew { AheadMs = (long)reading.Ahead.TotalMilliseconds, Since = known?.Since ?? now };
    }

    /// <summary><c>3.2 s ahead</c>.</summary>
    public static string Words(TimeSpan ahead) =>
        string.Create(CultureInfo.InvariantCulture, $"{ahead.Duration().TotalSeconds:0.#} s {(ahead > TimeSpan.Zero ? "ahead" : "behind")}");

    /// <summary>The end of the sentence "its clock is …".</summary>
    public static string Words(HostClockSkew clock) => $"{Words(Ahead(clock))} {(clock.AheadMs > 0 ? "of " : "")}those of the other hosts";

    public static bool IsBearable(HostClockSkew clock) => Ahead(clock).Duration() <= Bearable;

    /// <summary>The same twice where the number is odd.</summary>
    private static (TimeSpan Low, TimeSpan High) MiddleOf(IReadOnlyList<ClockReading> readings)
    {
        TimeSpan[] sorted = [.. readings.Select(reading => reading.Ahead).Order()];
        return (sorted[(sorted.Length - 1) / 2], sorted[sorted.Length / 2]);
    }

    private static TimeSpan Ahead(HostClockSkew clock) => TimeSpan.FromMilliseconds(clock.AheadMs);
}
