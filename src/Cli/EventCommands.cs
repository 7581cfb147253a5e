using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina events</c> and <c>lamina audit</c>: what happened, and who asked for it.</summary>
internal static class EventCommands
{
    private static readonly IReadOnlyList<Column<Event>> Columns =
    [
        new("time", e => Times.Absolute(e.Time)),
        new("severity", e => e.Severity.ToString().ToLowerInvariant()),
        new("kind", e => e.Kind),
        new("message", e => e.Message),
    ];

    private static readonly IReadOnlyList<Column<AuditEntry>> AuditColumns =
    [
        new("time", a => Times.Absolute(a.Time)),
        new("subject", a => a.Subject),
        new("from", a => a.RemoteAddress),
        new("action", a => a.Action),
        new("target", a => a.Target?.Name ?? a.Target?.Id),
        new("answer", a => a.StatusCode.ToString()),
    ];

    public static Command Build()
    {
        var follow = new Option<bool>("--follow") { Description = "go on with what happens, until Ctrl-C" };
        return CommandBuilder.Verb("events", "what happened, newest last", [follow], async (invocation, cancellationToken) =>
        {
            var past = await invocation.Client.Events.ListAsync(cancellationToken).ToListAsync(cancellationToken);
            if (!invocation.Value(follow))
            {
                invocation.Printer.List(past, ApiJson.Default.Event, Columns);
                return;
            }

            foreach (var known in past.TakeLast(10)) Print(invocation, known);
            try
            {
                await foreach (var item in invocation.Client.Events.FollowAsync(past.LastOrDefault()?.Id, cancellationToken)) Print(invocation, item);
            }
            catch (OperationCanceledException)
            {
                // Ctrl-C is how following ends.
            }
        });
    }

    public static Command Audit() => CommandBuilder.Verb("audit", "who asked for what, newest last", [], async (invocation, cancellationToken) =>
        invocation.Printer.List(
            await invocation.Client.Events.ListAuditAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.AuditEntry, AuditColumns));

    private static void Print(Invocation invocation, Event item) =>
        invocation.Printer.StreamLine(item, ApiJson.Default.Event, e => $"{Times.Absolute(e.Time)}  {Mark(e.Severity)} {e.Kind,-20} {e.Message}");

    private static string Mark(EventSeverity severity) => severity switch
    {
        EventSeverity.Error => "✗",
        EventSeverity.Warning => "!",
        _ => "·",
    };
}
