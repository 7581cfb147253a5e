using System.Globalization;

namespace Lamina.Linux.Host;

/// <summary>How long tasks waited for a resource (Documentation/accounting/psi.rst).</summary>
/// <param name="Avg10Percent">Part of the last ten seconds.</param>
/// <param name="Total">Since the boot, or since the cgroup was made.</param>
public sealed record PressureLine(double Avg10Percent, TimeSpan Total);

/// <summary>A file of pressure: `some` is the time in which at least one task waited, `full` that in which all did.</summary>
public sealed record Pressure(PressureLine Some, PressureLine? Full)
{
    /// <param name="resource">cpu, io or memory.</param>
    /// <returns>Null where the kernel keeps no such figures.</returns>
    public static Pressure? Read(string resource) => ReadFile($"/proc/pressure/{resource}");

    internal static Pressure? ReadFile(string path) => ProcFile.TryRead(path) is { } text ? Parse(text) : null;

    internal static Pressure? Parse(string text) => LineOf(text, "some ") is { } some ? new(some, LineOf(text, "full ")) : null;

    /// <summary>`some avg10=0.00 avg60=0.00 avg300=0.00 total=95235`; the total is in microseconds.</summary>
    private static PressureLine? LineOf(string text, string kind)
    {
        var words = text.Split('\n').FirstOrDefault(line => line.StartsWith(kind, StringComparison.Ordinal))?.Split(' ');
        if (words is not [_, var average, .., var total] || !average.StartsWith("avg10=", StringComparison.Ordinal) || !total.StartsWith("total=", StringComparison.Ordinal)) return null;
        return double.TryParse(average.AsSpan(6), NumberStyles.Float, CultureInfo.InvariantCulture, out double percent)
            && long.TryParse(total.AsSpan(6), NumberStyles.None, CultureInfo.InvariantCulture, out long microseconds)
            ? new(percent, TimeSpan.FromMicroseconds(microseconds))
            : null;
    }
}
