using System.Globalization;

namespace Lamina.Api;

/// <summary>
/// Sizes as people write and read them: <c>512MiB</c>, <c>2GiB</c>, <c>1.5G</c>. Binary units only (IEC 80000-13): <c>K</c>, <c>KB</c> and <c>KiB</c>
/// all mean 1,024 bytes, since nobody means 1,000 when speaking of memory or disks.
/// </summary>
public static class Sizes
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

    /// <summary>Reads a size in bytes; a number without a unit counts bytes.</summary>
    public static bool TryParse(string? text, out long bytes)
    {
        bytes = 0;
        var trimmed = text?.Trim() ?? "";
        var digits = trimmed.TakeWhile(c => char.IsAsciiDigit(c) || c == '.').Count();
        if (!decimal.TryParse(trimmed[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return false;
        if (UnitExponent(trimmed[digits..].Trim()) is not { } exponent) return false;
        var scaled = number * (1L << (10 * exponent));
        if (scaled > long.MaxValue || scaled != decimal.Truncate(scaled)) return false;
        bytes = (long)scaled;
        return true;
    }

    /// <summary>Writes a size with at most one decimal: <c>1.5 GiB</c>, <c>300 MiB</c>.</summary>
    public static string Format(long bytes)
    {
        var exponent = 0;
        decimal value = bytes;
        while (Math.Abs(value) >= 1024 && exponent < Units.Length - 1)
        {
            value /= 1024;
            exponent++;
        }

        return value.ToString(value >= 100 ? "0" : "0.#", CultureInfo.InvariantCulture) + " " + Units[exponent];
    }

    private static int? UnitExponent(string unit)
    {
        if (unit.Length == 0) return 0;
        var index = "BKMGTP".IndexOf(char.ToUpperInvariant(unit[0]), StringComparison.Ordinal);
        var rest = unit[1..];
        var known = index == 0 ? rest.Length == 0 : rest.Length == 0 || rest.Equals("iB", StringComparison.OrdinalIgnoreCase) || rest.Equals("B", StringComparison.OrdinalIgnoreCase);
        return index >= 0 && known ? index : null;
    }
}
