using Lamina.Cli.Output;
using Spectre.Console;

namespace Lamina.Cli;

/// <summary>One line on the terminal that tells how far a long job is; nothing in a pipe.</summary>
internal sealed class Progress : IDisposable
{
    private const int BarWidth = 24, NarrowBarWidth = 10;
    private const int LeastRoom = 20;
    private readonly bool shown = Terminal.ShowsProgress;
    private int drawn;

    /// <param name="percent">Null: it cannot be told.</param>
    /// <param name="message">How far it is.</param>
    /// <param name="subject">Of what; left out where there is no room for both.</param>
    public void Report(int? percent, string message, string? subject = null)
    {
        if (!shown) return;
        var line = Line(percent, message, subject, Math.Max(LeastRoom, Console.WindowWidth - 1));
        var width = line.GetCellWidth();
        // In one piece, and over the former line, so that nothing flickers.
        Console.Error.Write($"\r{line}{new string(' ', Math.Max(0, drawn - width))}");
        drawn = width;
    }

    public void Dispose()
    {
        if (drawn > 0) Console.Error.Write("\r" + new string(' ', drawn) + "\r");
        drawn = 0;
    }

    /// <summary>What fits into so many cells: first the bar is made short, then the subject is left out, then the words end early.</summary>
    internal static string Line(int? percent, string message, string? subject, int room)
    {
        var words = Printable.Line(message);
        var named = subject is null ? words : $"{Printable.Line(subject)}: {words}";
        foreach (var line in (string[])[Bar(percent, BarWidth) + named, Bar(percent, NarrowBarWidth) + named, Bar(percent, NarrowBarWidth) + words])
            if (line.GetCellWidth() <= room) return line;
        var cut = Bar(percent, NarrowBarWidth) + words;
        while (cut.GetCellWidth() >= room) cut = cut[..^1];
        return cut + "…";
    }

    private static string Bar(int? percent, int width) =>
        percent is { } p ? $"{new string('━', p * width / 100)}{new string('─', width - (p * width / 100))} {p,3}% " : "";
}
