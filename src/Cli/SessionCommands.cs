using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina session …</c>: the log-ins that last.</summary>
internal static class SessionCommands
{
    private static readonly IReadOnlyList<Column<Session>> Columns =
    [
        new("id", s => s.Id),
        new("user", s => s.User),
        new("began", s => Times.Absolute(s.CreatedAt)),
        new("ends unless used", s => Times.Absolute(s.ExpiresAt)),
        new("this one", s => s.Current ? "yes" : null),
    ];

    public static Command Build() => CommandBuilder.Noun("session", "who is logged in", List(), End());

    private static Command List() => CommandBuilder.Verb("list", "your log-ins; an administrator sees everybody's", [], async (invocation, cancellationToken) =>
        invocation.Printer.List(await invocation.Client.Sessions.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.Session, Columns));

    private static Command End()
    {
        var sessions = new Argument<string[]>("session") { Description = "ids, as 'lamina session list' shows them", Arity = ArgumentArity.OneOrMore };
        return CommandBuilder.Verb("end", "end log-ins at once, with the objects that they follow", [sessions], async (invocation, cancellationToken) =>
        {
            foreach (string id in invocation.Value(sessions))
            {
                await invocation.Client.Sessions.EndAsync(id, cancellationToken);
                invocation.Say($"session {id} has ended");
            }
        });
    }
}
