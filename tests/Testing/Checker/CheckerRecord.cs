using System.Collections.Immutable;

namespace Lamina.Testing.Checker;

/// <summary>What can be wrong with what a checker guest went through.</summary>
public enum CheckerVerdict
{
    /// <summary>Two of it ran at one time, or one began again from an earlier moment.</summary>
    Doubled,

    /// <summary>A page of its memory was not as the guest had written it.</summary>
    LostPage,

    /// <summary>A record of its disk is torn, of another time or missing while the guest runs, or between those that a new run found.</summary>
    TornWrite,

    /// <summary>A new run did not find what an earlier one had written for good.</summary>
    LostWrite,
}

/// <summary>Something that is wrong, in words.</summary>
public sealed record CheckerFinding(CheckerVerdict Verdict, string Words);

/// <summary>A word of the guest, and when it was heard and from whom.</summary>
public sealed record CheckerArrival(TimeSpan At, string From, CheckerWord Word);

/// <summary>
/// The judge of one checker guest (pure): hears each of its words in the order in which they came, and says what was wrong with its life. It knows nothing of what the product says about
/// itself. Words may be lost on the way; they do not overtake each other, as there is one network between guest and listener.
/// </summary>
public sealed record CheckerRecord
{
    public static CheckerRecord Empty { get; } = new();

    public CheckerArrival? Last { get; private init; }

    public ImmutableList<CheckerFinding> Findings { get; private init; } = [];

    /// <summary>Each boot of the guest, the last one at the end.</summary>
    public ImmutableList<string> Runs { get; private init; } = [];

    /// <summary>The last record that any run has said to be written.</summary>
    public long Written { get; private init; }

    /// <summary>The longest silence since <see cref="Marked"/>.</summary>
    public TimeSpan LongestGap { get; private init; }

    public long Heard { get; private init; }

    /// <summary>With a gap that begins anew; judged as before.</summary>
    public CheckerRecord Marked() => this with { LongestGap = TimeSpan.Zero };

    public CheckerRecord Hear(CheckerArrival arrival)
    {
        var word = arrival.Word;
        var found = Findings.AddRange(Judge(arrival));
        bool isLate = Runs.Count > 0 && word.Run != Runs[^1] && Runs.Contains(word.Run);
        return this with
        {
            // A word out of its turn is judged, and does not become what the next ones are measured by.
            Last = isLate || IsBack(word) ? Last : arrival,
            Findings = found,
            Runs = Runs.Contains(word.Run) ? Runs : Runs.Add(word.Run),
            Written = Math.Max(Written, word.Written),
            LongestGap = Last is { } before && arrival.At - before.At > LongestGap ? arrival.At - before.At : LongestGap,
            Heard = Heard + 1,
        };
    }

    private IEnumerable<CheckerFinding> Judge(CheckerArrival arrival)
    {
        var word = arrival.Word;
        string who = $"tick {word.Tick} of run {word.Run} from {arrival.From}";
        bool isNew = !Runs.Contains(word.Run);
        if (!isNew && word.Run != Runs[^1]) yield return new(CheckerVerdict.Doubled, $"{who} after run {Runs[^1]} has begun");
        else if (IsBack(word)) yield return new(CheckerVerdict.Doubled, $"{who} after tick {Last!.Word.Tick} from {Last.From}");
        if (isNew && word.Found < Written) yield return new(CheckerVerdict.LostWrite, $"{who} found record {word.Found} on its disk, and record {Written} was written");
        // Counted in each run: what one has told is not told again.
        var before = isNew ? null : Last?.Word;
        if (word.BadPages > (before?.BadPages ?? 0)) yield return new(CheckerVerdict.LostPage, $"{who}: {word.BadPages} pages, {word.What}");
        if (word.BadSlots > (before?.BadSlots ?? 0)) yield return new(CheckerVerdict.TornWrite, $"{who}: {word.BadSlots} records, {word.What}");
    }

    /// <summary>The same run says what it has said already, or earlier things.</summary>
    private bool IsBack(CheckerWord word) =>
        Last?.Word is { } before && before.Run == word.Run && (word.Tick <= before.Tick || word.AtNs <= before.AtNs || word.Written < before.Written || word.Sweeps < before.Sweeps);
}
