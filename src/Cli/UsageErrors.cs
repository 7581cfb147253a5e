using System.CommandLine;

namespace Lamina.Cli;

/// <summary>What was typed cannot be understood: the reason and where to read on, not the whole help.</summary>
internal static class UsageErrors
{
    public static int Report(ParseResult parsed)
    {
        foreach (var error in parsed.Errors) Console.Error.WriteLine($"lamina: {error.Message}");
        Console.Error.WriteLine($"  → {Path(parsed.CommandResult.Command)} --help");
        return (int)ExitCode.Usage;
    }

    private static string Path(Command command)
    {
        var parent = command.Parents.OfType<Command>().FirstOrDefault();
        return parent is null ? "lamina" : $"{Path(parent)} {command.Name}";
    }
}
