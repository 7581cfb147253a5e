namespace Lamina.Cli;

/// <summary>What the terminal is: progress, colours and questions appear only where a person sits.</summary>
internal static class Terminal
{
    /// <summary>Columns of the terminal that shows standard output; null in a pipe, where nothing is cut.</summary>
    public static int? Width => Console.IsOutputRedirected ? null : Math.Max(40, Console.WindowWidth);

    /// <summary>A person reads standard error: progress may be drawn there.</summary>
    public static bool ShowsProgress => !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not (null or "dumb");

    public static bool CanAsk => !Console.IsInputRedirected && !Console.IsErrorRedirected;

    /// <summary>Asks before something that cannot be undone. Without a person to ask, <c>--yes</c> is needed.</summary>
    /// <exception cref="CliException">Nobody can be asked, or the answer was no.</exception>
    public static void Confirm(string question, bool yes)
    {
        if (yes) return;
        if (!CanAsk) throw new CliException(ExitCode.Usage, $"{question} Nobody can be asked here, so nothing was changed.", "add --yes to say yes beforehand");
        Console.Error.Write($"{question} [y/N] ");
        if (Console.ReadLine()?.Trim().ToLowerInvariant() is not ("y" or "yes")) throw new CliException(ExitCode.Failed, "nothing was changed");
    }

    /// <summary>Reads a secret without showing it.</summary>
    public static string ReadSecret(string prompt)
    {
        if (Console.IsInputRedirected) return Console.ReadLine() ?? "";
        Console.Error.Write(prompt);
        var typed = new System.Text.StringBuilder();
        for (var key = Console.ReadKey(intercept: true); key.Key != ConsoleKey.Enter; key = Console.ReadKey(intercept: true))
        {
            if (key.Key == ConsoleKey.Backspace) typed.Length = Math.Max(0, typed.Length - 1);
            else if (!char.IsControl(key.KeyChar)) typed.Append(key.KeyChar);
        }

        Console.Error.WriteLine();
        return typed.ToString();
    }
}
