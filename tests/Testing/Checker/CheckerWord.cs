using System.Globalization;

namespace Lamina.Testing.Checker;

/// <summary>One line of a checker guest.</summary>
public sealed record CheckerWord
{
    private const string Sign = "LCG1 ";

    public required string Id { get; init; }

    /// <summary>Of the guest's boot: another one after each.</summary>
    public required string Run { get; init; }

    /// <summary>From 1 in each run, one more with each word.</summary>
    public required long Tick { get; init; }

    /// <summary>The guest's monotonic clock.</summary>
    public long AtNs { get; init; }

    /// <summary>Number of the last record that its disk has taken for good; it goes on from run to run.</summary>
    public long Written { get; init; }

    /// <summary>Number of the last record that this run found on the disk when it began.</summary>
    public long Found { get; init; }

    /// <summary>How often all of its memory was looked at in this run.</summary>
    public long Sweeps { get; init; }

    /// <summary>Pages that were not as they were written.</summary>
    public long BadPages { get; init; }

    /// <summary>Records of the disk that were torn, of another time or missing.</summary>
    public long BadSlots { get; init; }

    /// <summary>The first thing that was wrong; <c>-</c>: nothing.</summary>
    public string What { get; init; } = "-";

    /// <returns>Null: it is no line of a checker, or not a whole one.</returns>
    public static CheckerWord? Parse(string line)
    {
        if (!line.StartsWith(Sign, StringComparison.Ordinal)) return null;
        var words = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (string word in line[Sign.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (word.Split('=', 2) is not [var key, var value] || !words.TryAdd(key, value)) return null;
        }

        long Number(string key) => words.TryGetValue(key, out string? text) && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : -1;
        var read = new CheckerWord
        {
            Id = words.GetValueOrDefault("id", ""), Run = words.GetValueOrDefault("run", ""), Tick = Number("tick"), AtNs = Number("at"), Written = Number("written"),
            Found = Number("found"), Sweeps = Number("sweeps"), BadPages = Number("pages"), BadSlots = Number("slots"), What = words.GetValueOrDefault("what", ""),
        };
        bool isWhole = read is { Id.Length: > 0, Run.Length: > 0, What.Length: > 0, Tick: >= 0, AtNs: >= 0, Written: >= 0, Found: >= 0, Sweeps: >= 0, BadPages: >= 0, BadSlots: >= 0 };
        return isWhole ? read : null;
    }
}
