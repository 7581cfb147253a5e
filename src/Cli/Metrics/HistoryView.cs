using System.Globalization;
using System.IO.Enumeration;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli.Metrics;

/// <summary>Prints the past: a line for each figure with its last, least, mean and greatest value and how it went; as CSV a line for each time.</summary>
internal static class HistoryView
{
    private const int TrendWidth = 48;

    private static readonly IReadOnlyList<Column<MetricSeries>> Columns =
    [
        new("figure", series => series.Name),
        new("last", series => Figures.Of(series.Values.LastOrDefault(value => value is not null), series.Unit), AlignRight: true),
        new("least", series => Figures.Of(series.Values.Min(), series.Unit), AlignRight: true),
        new("mean", series => Figures.Of(series.Values.Average(), series.Unit), AlignRight: true),
        new("most", series => Figures.Of(series.Values.Max(), series.Unit), AlignRight: true),
        new("trend", series => Sparkline.Of(series.Values, TrendWidth)),
    ];

    /// <param name="printer">Where to.</param>
    /// <param name="history">What the server answered.</param>
    /// <param name="only">Names of figures, with * for anything; none: all.</param>
    public static void Print(Printer printer, MetricHistory history, IReadOnlyList<string> only)
    {
        var shown = history with { Series = [.. history.Series.Where(series => only.Count == 0 || only.Any(name => FileSystemName.MatchesSimpleExpression(name, series.Name)))] };
        switch (printer.Format)
        {
            case OutputFormat.Csv:
                printer.List(Points(shown), ApiJson.Default.MetricHistory, PointColumns(shown));
                break;
            case OutputFormat.Table:
                // What this machine does not tell is no line.
                var told = shown.Series.Where(series => series.Values.Any(value => value is not null)).ToList();
                printer.List(told, ApiJson.Default.MetricSeries, Columns);
                break;
            default:
                printer.Show(shown, ApiJson.Default.MetricHistory, []);
                break;
        }
    }

    /// <summary>A piece of the history for each of its points.</summary>
    private static List<MetricHistory> Points(MetricHistory history) =>
    [
        .. Enumerable.Range(0, history.Count).Select(point => history with
        {
            From = history.From.AddSeconds((double)point * history.StepSeconds),
            Count = 1,
            Series = [.. history.Series.Select(series => series with { Values = [series.Values[point]] })],
        }),
    ];

    private static List<Column<MetricHistory>> PointColumns(MetricHistory history) =>
    [
        new("time", point => point.From.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)),
        .. history.Series.Select((series, index) => new Column<MetricHistory>(series.Name, point => point.Series[index].Values[0]?.ToString("R", CultureInfo.InvariantCulture) ?? "")),
    ];
}
