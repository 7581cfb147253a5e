using System.Globalization;
using Lamina.Api;

namespace Lamina.Cli.Metrics;

/// <summary>Figures in words.</summary>
internal static class Figures
{
    public static string? Percent(double? value) => value is { } number ? number.ToString("0.0", CultureInfo.InvariantCulture) : null;

    public static string? Bytes(double? value) => value is { } number ? Sizes.Format((long)number) : null;

    public static string? BytesPerSecond(double? value) => value is { } number ? Sizes.Format((long)number) + "/s" : null;

    public static string? Of(double? value, MetricUnit unit) => value is not { } number ? null : unit switch
    {
        MetricUnit.Percent => Percent(number) + " %",
        MetricUnit.Bytes => Bytes(number),
        MetricUnit.BytesPerSecond => BytesPerSecond(number),
        MetricUnit.PerSecond => number.ToString("0.#", CultureInfo.InvariantCulture) + "/s",
        MetricUnit.Milliseconds => number.ToString("0.##", CultureInfo.InvariantCulture) + " ms",
        _ => number.ToString("0.##", CultureInfo.InvariantCulture),
    };
}
