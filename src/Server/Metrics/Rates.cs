namespace Lamina.Server.Metrics;

/// <summary>Two states of a counter and the time between them (pure). A counter that went back began anew: it has no rate.</summary>
internal static class Rates
{
    public static double? PerSecond(long? before, long? now, double seconds) =>
        before is { } then && now is { } last && last >= then && seconds > 0 ? (last - then) / seconds : null;

    /// <summary>100 is one second a second.</summary>
    public static double? Percent(TimeSpan? before, TimeSpan? now, double seconds) =>
        before is { } then && now is { } last && last >= then && seconds > 0 ? 100 * (last - then).TotalSeconds / seconds : null;

    /// <summary>Part of a whole.</summary>
    public static double? Percent(double before, double now, double whole) => now >= before && whole > 0 ? 100 * (now - before) / whole : null;

    /// <summary>What one of them took; null when there were none.</summary>
    public static double? Mean(long? sum, long? count) => sum >= 0 && count > 0 ? (double)sum.Value / count.Value : null;
}
