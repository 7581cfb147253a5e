using System.Globalization;

namespace Lamina.Tests.Crash;

/// <summary>Where a daemon is to end itself: the nth time that a point is reached in a scenario.</summary>
internal sealed record CrashPoint(string Scenario, string Name, int Nth)
{
    /// <summary>As <c>LAMINA_CRASH_AT</c> wants it.</summary>
    public string Target => string.Create(CultureInfo.InvariantCulture, $"{Name}:{Nth}");

    /// <summary>As the command line takes it and reports name it.</summary>
    public override string ToString() => $"{Scenario}/{Target}";

    /// <summary>Every point of a log, in the order in which they were reached first; the second and later times of each after its first.</summary>
    public static IReadOnlyList<CrashPoint> Enumerate(string scenario, IEnumerable<string> log)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        return [.. log.Select(name => new CrashPoint(scenario, name, counts[name] = counts.GetValueOrDefault(name) + 1)).OrderBy(point => point.Nth > 1)];
    }

    public static CrashPoint Parse(string text)
    {
        string[] parts = text.Split('/', 2);
        string[] target = parts[^1].Split(':');
        return new CrashPoint(parts[0], target[0], target.Length > 1 ? int.Parse(target[1], CultureInfo.InvariantCulture) : 1);
    }
}
