namespace Lamina.Server.Metrics.History;

/// <summary>One fineness of the past. A row's place follows from its time alone, so nothing has to be remembered, and no clock can lead it astray.</summary>
/// <param name="StepSeconds">How far rows lie apart.</param>
/// <param name="Rows">How many are kept: the next one takes the place of the oldest.</param>
internal sealed record RingLevel(int StepSeconds, int Rows)
{
    public long SpanSeconds => (long)StepSeconds * Rows;

    /// <summary>The step in which a time lies.</summary>
    public long StepOf(long unixSeconds) => unixSeconds - (unixSeconds % StepSeconds);

    public int SlotOf(long unixSeconds) => (int)(unixSeconds / StepSeconds % Rows);
}

/// <summary>How a file of history is laid out: a header, then the levels one after the other. It has the same size for ever.</summary>
internal static class RingLayout
{
    /// <summary>An hour as it was read, a day in minutes, thirty days in tens of minutes.</summary>
    public static IReadOnlyList<RingLevel> Levels { get; } = [new(10, 360), new(60, 1440), new(600, 4320)];

    public const int HeaderBytes = 64;

    /// <summary>881,344 bytes, of which the file system keeps only what was written.</summary>
    public static long FileBytes { get; } = HeaderBytes + Levels.Sum(level => (long)level.Rows * RingRow.Bytes);

    public static long OffsetOf(int level, int slot) =>
        HeaderBytes + ((Levels.Take(level).Sum(before => (long)before.Rows) + slot) * RingRow.Bytes);
}
