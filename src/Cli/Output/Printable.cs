namespace Lamina.Cli.Output;

/// <summary>
/// Text from guests, uploads and other people may hold escape sequences; none reaches the terminal through a table or a message.
/// </summary>
internal static class Printable
{
    /// <summary>One line: control characters become spaces.</summary>
    public static string Line(string text) => text.Any(char.IsControl) ? string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c)) : text;

    /// <summary>Several lines: line feeds and tabs stay.</summary>
    public static string Block(string text) => string.Concat(text.Select(c => char.IsControl(c) && c is not ('\n' or '\t') ? ' ' : c));
}
