using System.Globalization;
using Lamina.Api.Input;

namespace Lamina.Server.Metrics.History;

/// <summary>Which part of the past is wanted, and at which level it is read (pure). Times are Unix seconds, multiples of the step.</summary>
internal sealed record HistoryRange
{
    /// <summary>A month in the finest steps there are of it, and some more.</summary>
    public const int MostPoints = 5000;

    private const int DefaultSpanSeconds = 3600;

    public required int Level { get; init; }
    public required int StepSeconds { get; init; }
    public required long From { get; init; }
    public required long To { get; init; }

    public int Count => (int)((To - From) / StepSeconds);

    /// <param name="from">A time (RFC 3339), or how long ago: <c>-90m</c>. Null: an hour before the end.</param>
    /// <param name="to">The same. Null: now.</param>
    /// <param name="step">Seconds; null: as fine as that part of the past is kept.</param>
    /// <param name="now">The wall clock.</param>
    /// <exception cref="InputException">All that is wrong with them.</exception>
    public static HistoryRange Of(string? from, string? to, string? step, DateTimeOffset now)
    {
        var problems = new InputProblems();
        long end = Time(to, "?to", now, problems) ?? now.ToUnixTimeSeconds();
        long begin = Time(from, "?from", now, problems) ?? end - DefaultSpanSeconds;
        int? wanted = Step(step, problems);
        if (!problems.Any && begin >= end) problems.Add("?from", "range.empty", "It must lie before the end of the range.");
        problems.ThrowIfAny();
        var range = Choose(begin, end, wanted, now.ToUnixTimeSeconds(), problems);
        if (range.Count > MostPoints)
            problems.Add("?step", "range.tooMany", $"That are {range.Count} points; at most {MostPoints} are answered at once. Take a longer step or a shorter range.");
        problems.ThrowIfAny();
        return range;
    }

    private static HistoryRange Choose(long begin, long end, int? wanted, long now, InputProblems problems)
    {
        var levels = RingLayout.Levels;
        int level = 0;
        while (level < levels.Count - 1 && now - begin > levels[level].SpanSeconds) level++;
        int step = wanted ?? levels[level].StepSeconds;
        if (step < levels[level].StepSeconds)
        {
            string kept = string.Join(", ", levels.Select(each => $"{each.StepSeconds} s for {Words(each.SpanSeconds)}"));
            problems.Add("?step", "range.tooFine", $"Figures are kept in steps of {kept}; the range begins earlier than those of {step} s. Take at least {levels[level].StepSeconds}.");
        }

        // A coarser level holds the same in fewer rows.
        while (level < levels.Count - 1 && step % levels[level + 1].StepSeconds == 0 && wanted is not null) level++;
        return new HistoryRange { Level = level, StepSeconds = step, From = begin - (begin % step), To = end - (end % step) + (end % step == 0 ? 0 : step) };
    }

    private static int? Step(string? text, InputProblems problems)
    {
        if (text is null) return null;
        int finest = RingLayout.Levels[0].StepSeconds;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int step) && step > 0 && step % finest == 0) return step;
        problems.Add("?step", "step.invalid", $"'{Suggestions.Shorten(text)}' is no step; write seconds, a multiple of {finest}.");
        return null;
    }

    private static long? Time(string? text, string path, DateTimeOffset now, InputProblems problems)
    {
        if (text is null) return null;
        if (text[0] == '-' && Ago(text.AsSpan(1)) is { } ago) return now.ToUnixTimeSeconds() - ago;
        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) && time > DateTimeOffset.UnixEpoch) return time.ToUnixTimeSeconds();
        problems.Add(path, "time.invalid", $"'{Suggestions.Shorten(text)}' is no time; write 2026-01-31T12:00:00Z, or so long ago: -90m, -6h, -7d.");
        return null;
    }

    private static long? Ago(ReadOnlySpan<char> text)
    {
        if (text.Length < 2 || !int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out int number)) return null;
        return text[^1] switch
        {
            's' => number,
            'm' => 60L * number,
            'h' => 3600L * number,
            'd' => 86_400L * number,
            _ => null,
        };
    }

    private static string Words(long seconds) => seconds % 86_400 == 0 && seconds > 86_400 ? $"{seconds / 86_400} days" : $"{seconds / 3600} h";
}
