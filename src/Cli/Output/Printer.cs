using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;

namespace Lamina.Cli.Output;

/// <summary>Prints what a command answers, in the format asked for, on standard output. Messages and progress go to standard error.</summary>
internal sealed class Printer(OutputFormat format, TextWriter output, int? width)
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public OutputFormat Format => format;

    /// <summary>A list. An empty table is nothing to a pipe; a person is told that there is nothing.</summary>
    public void List<T>(IReadOnlyList<T> items, JsonTypeInfo<T> type, IReadOnlyList<Column<T>> columns)
    {
        if (format == OutputFormat.Table && items.Count == 0) NothingToList();
        else if (format == OutputFormat.Table) output.Write(TextTable.Render(items, columns, width));
        else if (format == OutputFormat.Csv) output.Write(CsvText.Render(items, columns));
        else Structure(new JsonArray([.. items.Select(i => JsonSerializer.SerializeToNode(i, type))]));
    }

    /// <summary>Rows that stand for records of another form: as a table or CSV only.</summary>
    public void Rows<T>(IReadOnlyList<T> items, IReadOnlyList<Column<T>> columns)
    {
        if (format == OutputFormat.Csv) output.Write(CsvText.Render(items, columns));
        else if (items.Count == 0) NothingToList();
        else output.Write(TextTable.Render(items, columns, width));
    }

    /// <summary>One object: as a table its rows are name and value; as CSV, one line below its headings.</summary>
    public void Show<T>(T item, JsonTypeInfo<T> type, IReadOnlyList<Column<T>> fields)
    {
        if (format == OutputFormat.Table) output.Write(Fields(item, fields));
        else if (format == OutputFormat.Csv) output.Write(CsvText.Render([item], fields));
        else Structure(JsonSerializer.SerializeToNode(item, type));
    }

    /// <summary>One line of a stream: a table's line as text, otherwise one JSON document a line, so that each line can be read by itself.</summary>
    public void StreamLine<T>(T item, JsonTypeInfo<T> type, Func<T, string> text)
    {
        output.WriteLine(format == OutputFormat.Table ? Printable.Line(text(item)) : JsonSerializer.Serialize(item, type));
        output.Flush();
    }

    public void Text(string text) => output.WriteLine(text);

    public void Structure(JsonNode? node) => output.WriteLine(format == OutputFormat.Yaml ? YamlText.Render(node).TrimEnd('\n') : Json(node));

    private void NothingToList()
    {
        if (width is not null) Console.Error.WriteLine("There is nothing to list.");
    }

    private static string Fields<T>(T item, IReadOnlyList<Column<T>> fields)
    {
        var known = fields.Select(f => (f.Heading, Value: f.Cell(item))).Where(f => !string.IsNullOrEmpty(f.Value)).ToList();
        var indent = known.Max(f => f.Heading.Length) + 2;
        return string.Concat(known.Select(f => f.Heading.PadRight(indent) + Printable.Block(f.Value!).Replace("\n", "\n" + new string(' ', indent), StringComparison.Ordinal) + "\n"));
    }

    private static string Json(JsonNode? node)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Indented))
        {
            if (node is null) writer.WriteNullValue();
            else node.WriteTo(writer);
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
