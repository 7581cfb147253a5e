namespace Lamina.Cli.Output;

/// <summary>A column of a table: its heading and how a cell is read from an item.</summary>
internal sealed record Column<T>(string Heading, Func<T, string?> Cell, bool AlignRight = false);
