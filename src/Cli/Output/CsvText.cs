namespace Lamina.Cli.Output;

/// <summary>Comma-separated values (RFC 4180): the columns of the table, headings first.</summary>
internal static class CsvText
{
    public static string Render<T>(IReadOnlyList<T> items, IReadOnlyList<Column<T>> columns) =>
        string.Concat(items.Select(item => columns.Select(c => c.Cell(item) ?? "")).Prepend(columns.Select(c => c.Heading)).Select(Row));

    private static string Row(IEnumerable<string> cells) => string.Join(',', cells.Select(Quote)) + "\r\n";

    private static string Quote(string cell) =>
        cell.AsSpan().IndexOfAny("\",\r\n") < 0 ? cell : $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
