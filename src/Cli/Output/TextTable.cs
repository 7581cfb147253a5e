using System.Text;
using Lamina.Api;
using Spectre.Console;

namespace Lamina.Cli.Output;

/// <summary>
/// A plain table: columns padded with spaces, headings in capitals. Without borders it can be read, copied and cut by <c>awk</c>.
/// The last column is never padded and, on a terminal, cut to its width.
/// </summary>
internal static class TextTable
{
    private const string Gap = "  ";

    public static string Render<T>(IReadOnlyList<T> items, IReadOnlyList<Column<T>> columns, int? width)
    {
        var rows = items.Select(item => columns.Select(c => Printable.Line(c.Cell(item) ?? "-")).ToArray()).ToList();
        rows.Insert(0, [.. columns.Select(c => c.Heading.ToUpperInvariant())]);
        var widths = columns.Select((_, i) => rows.Max(r => r[i].GetCellWidth())).ToArray();
        var text = new StringBuilder();
        foreach (var row in rows) text.AppendLine(Line(row, columns, widths, width));
        return text.ToString();
    }

    private static string Line<T>(string[] row, IReadOnlyList<Column<T>> columns, int[] widths, int? width)
    {
        var cells = row.Select((cell, i) => columns[i].AlignRight ? Padding(cell, widths[i]) + cell : cell + Padding(cell, widths[i]));
        var line = string.Join(Gap, cells).TrimEnd();
        return width is { } limit && line.GetCellWidth() > limit ? Cut(line, limit) : line;
    }

    private static string Padding(string cell, int width) => new(' ', width - cell.GetCellWidth());

    private static string Cut(string line, int width)
    {
        while (line.GetCellWidth() > width - 1) line = line[..^1];
        return line + "…";
    }
}
