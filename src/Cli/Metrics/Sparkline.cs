namespace Lamina.Cli.Metrics;

/// <summary>A line of blocks that shows how a figure went; a gap where nothing was read.</summary>
internal static class Sparkline
{
    private const string Blocks = "▁▂▃▄▅▆▇█";

    /// <param name="values">In order of time.</param>
    /// <param name="width">Characters at most; several values then share one, by their mean.</param>
    public static string Of(IReadOnlyList<double?> values, int width)
    {
        int count = Math.Min(width, values.Count);
        if (count == 0) return "";
        var cells = Enumerable.Range(0, count).Select(cell => Mean(values, cell * values.Count / count, (cell + 1) * values.Count / count)).ToList();
        double most = cells.Max() ?? 0;
        return string.Concat(cells.Select(cell => cell is not { } value ? ' ' : Blocks[most > 0 ? Math.Clamp((int)(value / most * (Blocks.Length - 1) + 0.5), 0, Blocks.Length - 1) : 0]));
    }

    private static double? Mean(IReadOnlyList<double?> values, int from, int to)
    {
        double sum = 0;
        int count = 0;
        for (int index = from; index < to; index++)
        {
            if (values[index] is not { } value) continue;
            sum += value;
            count++;
        }

        return count == 0 ? null : sum / count;
    }
}
