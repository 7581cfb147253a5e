using Lamina.Cli.Output;
using Spectre.Console;

namespace Lamina.Cli;

/// <summary>One line on the terminal that tells how far a long job is; nothing in a pipe.</summary>
internal sealed class Progress : IDisposable
{
    private const int BarWidth = 24;
    private readonly bool shown = Terminal.ShowsProgress;
    private int drawn;

    public void Report(int? percent, string message)
    {
        if (!shown) return;
        var bar = percent is { } p ? $"{new string('━', p * BarWidth / 100)}{new string('─', BarWidth - (p * BarWidth / 100))} {p,3}% " : "";
        var line = bar + Printable.Line(message);
        var room = Math.Max(20, Console.WindowWidth - 1);
        while (line.GetCellWidth() > room) line = line[..^1];
        Erase();
        Console.Error.Write(line);
        drawn = line.GetCellWidth();
    }

    public void Dispose() => Erase();

    private void Erase()
    {
        if (drawn > 0) Console.Error.Write("\r" + new string(' ', drawn) + "\r");
        drawn = 0;
    }
}
