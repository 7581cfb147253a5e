using System.CommandLine;

namespace Lamina.Cli;

/// <summary>Makes nouns and verbs in one way, so that a table of commands reads as one.</summary>
internal static class CommandBuilder
{
    public static Command Noun(string name, string description, params Command[] verbs)
    {
        var noun = new Command(name, description);
        foreach (var verb in verbs) noun.Add(verb);
        return noun;
    }

    /// <summary>A verb with its arguments and options (in the order of the help) and what it does; failures become words and an exit code.</summary>
    public static Command Verb(string name, string description, IEnumerable<Symbol> symbols, Func<Invocation, CancellationToken, Task<ExitCode>> run)
    {
        var verb = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument) verb.Add(argument);
            else verb.Add((Option)symbol);
        }

        if (Alias(name) is { } alias) verb.Aliases.Add(alias);
        verb.SetAction((parsed, cancellationToken) => RunAsync(new Invocation(parsed), run, cancellationToken));
        return verb;
    }

    public static Command Verb(string name, string description, IEnumerable<Symbol> symbols, Func<Invocation, CancellationToken, Task> run) =>
        Verb(name, description, symbols, async (invocation, cancellationToken) =>
        {
            await run(invocation, cancellationToken);
            return ExitCode.Done;
        });

    private static string? Alias(string name) => name switch
    {
        "list" => "ls",
        "delete" => "rm",
        _ => null,
    };

    private static async Task<int> RunAsync(Invocation invocation, Func<Invocation, CancellationToken, Task<ExitCode>> run, CancellationToken cancellationToken)
    {
        using (invocation)
        {
            try
            {
                return (int)await run(invocation, cancellationToken);
            }
#pragma warning disable CA1031 // The last line of defence: whatever it is, a person gets words and a script gets a code.
            catch (Exception error)
#pragma warning restore CA1031
            {
                return (int)Errors.Report(error);
            }
        }
    }
}
