using System.Text.RegularExpressions;

namespace Lamina.Server.Images.Catalogue;

/// <summary>
/// File names with <c>*</c> in publishers' folders (pure): some put the patch version into the name (<c>alpine-3.20.*-x86_64.qcow2</c>), so that the
/// folder's page has to be read for the newest.
/// </summary>
internal static partial class FilePattern
{
    public static bool IsPattern(string name) => name.Contains('*', StringComparison.Ordinal);

    /// <summary>The newest name in a folder's page (HTML) that fits; null: none does.</summary>
    public static string? Newest(string page, string pattern) => Links().Matches(page)
        .Select(link => Uri.UnescapeDataString(link.Groups["name"].Value))
        .Where(name => !name.Contains('/', StringComparison.Ordinal) && Fits(name, pattern))
        .Distinct(StringComparer.Ordinal)
        .Order(Comparer<string>.Create(CompareVersions))
        .LastOrDefault();

    /// <summary>True when the name is the pattern with each <c>*</c> replaced by something.</summary>
    internal static bool Fits(ReadOnlySpan<char> name, ReadOnlySpan<char> pattern)
    {
        int star = pattern.IndexOf('*');
        if (star < 0) return name.SequenceEqual(pattern);
        if (!name.StartsWith(pattern[..star])) return false;
        var rest = pattern[(star + 1)..];
        for (int from = star; from <= name.Length; from++)
        {
            if (Fits(name[from..], rest)) return true;
        }

        return false;
    }

    /// <summary>Numbers by their value, so that 3.20.10 is newer than 3.20.9.</summary>
    internal static int CompareVersions(string left, string right)
    {
        var (lefts, rights) = (Parts().Matches(left), Parts().Matches(right));
        for (int part = 0; part < Math.Min(lefts.Count, rights.Count); part++)
        {
            var (one, other) = (lefts[part].Value, rights[part].Value);
            int order = char.IsAsciiDigit(one[0]) && char.IsAsciiDigit(other[0])
                ? CompareNumbers(one.TrimStart('0'), other.TrimStart('0'))
                : string.CompareOrdinal(one, other);
            if (order != 0) return order;
        }

        return lefts.Count - rights.Count;
    }

    private static int CompareNumbers(string left, string right) =>
        left.Length != right.Length ? left.Length - right.Length : string.CompareOrdinal(left, right);

    [GeneratedRegex("href=[\"'](?:\\./)?(?<name>[^\"'?#<>]{1,255})[\"']", RegexOptions.IgnoreCase)]
    private static partial Regex Links();

    [GeneratedRegex("[0-9]+|[^0-9]+")]
    private static partial Regex Parts();
}
