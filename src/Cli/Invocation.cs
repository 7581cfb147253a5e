using System.CommandLine;
using Lamina.Api.Client;
using Lamina.Cli.Connection;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary>One run of one command: what was typed, the connection (made when first used) and where to print.</summary>
internal sealed class Invocation(ParseResult parsed) : IDisposable
{
    private LaminaClient? client;

    public Printer Printer { get; } = new(parsed.GetValue(Globals.Format), Console.Out, Terminal.Width);

    public LaminaClient Client => client ??= new LaminaClient(ServerChoice.Options(parsed.GetValue(Globals.Context), parsed.GetValue(Globals.Project)));

    /// <summary>The daemon is spoken to by the socket of this machine.</summary>
    public bool IsLocal => ServerChoice.Options(parsed.GetValue(Globals.Context), parsed.GetValue(Globals.Project)).SocketPath is not null;

    /// <summary>Another line to the same server, not one that is open already; the caller disposes it.</summary>
    public LaminaClient Connect(TimeSpan timeout) =>
        new(ServerChoice.Options(parsed.GetValue(Globals.Context), parsed.GetValue(Globals.Project)) with { RequestTimeout = timeout });

    public string? Project => Client.Connection.Project;

    public bool Wait => !parsed.GetValue(Globals.NoWait);

    public T? Value<T>(Option<T> option) => parsed.GetValue(option);

    public T Value<T>(Argument<T> argument) => parsed.GetRequiredValue(argument);

    /// <summary>Of an argument that need not be typed; null: it was not.</summary>
    public T? Optional<T>(Argument<T> argument) => parsed.GetValue(argument);

    /// <summary>Whether the option was typed, so that a default is told from a wish.</summary>
    public bool Has(Option option) => parsed.GetResult(option) is { Implicit: false };

    public IReadOnlyList<string> Unmatched => parsed.UnmatchedTokens;

    /// <summary>Says something to the person, not to the pipe.</summary>
    public void Say(string message) => Console.Error.WriteLine(Printable.Block(message));

    public void Dispose() => client?.Dispose();
}
