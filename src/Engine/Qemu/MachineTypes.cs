using System.Globalization;
using System.Text.RegularExpressions;

namespace Lamina.Engine.Qemu;

/// <summary>Versioned machine types: only they are the same machine after QEMU is upgraded. Pure.</summary>
internal static partial class MachineTypes
{
    public const string Q35 = "pc-q35";
    public const string Pc = "pc-i440fx";

    /// <summary>All versioned PC types, newest first.</summary>
    public static IReadOnlyList<string> Versioned(IEnumerable<string> names) =>
        [.. names.Where(name => Pattern().IsMatch(name)).OrderByDescending(Version).ThenBy(name => name, StringComparer.Ordinal)];

    /// <summary>The newest type of a family, or null.</summary>
    public static string? Newest(IEnumerable<string> names, string family) =>
        Versioned(names).FirstOrDefault(name => Pattern().Match(name).Groups["family"].Value == family);

    private static Version Version(string name)
    {
        var match = Pattern().Match(name);
        return new Version(Number(match, "major"), Number(match, "minor"));
    }

    private static int Number(Match match, string group) => int.Parse(match.Groups[group].ValueSpan, CultureInfo.InvariantCulture);

    // 2.0.1-style versions and vendors' own types are left alone.
    [GeneratedRegex(@"^(?<family>pc-q35|pc-i440fx)-(?<major>\d{1,4})\.(?<minor>\d{1,4})$")]
    private static partial Regex Pattern();
}
