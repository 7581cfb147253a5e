using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina logs</c>: what the daemon said last, and what it said on account of one request.</summary>
internal static class LogCommand
{
    private static readonly IReadOnlyList<Column<LogEntry>> Columns =
    [
        new("time", l => Times.Absolute(l.Time)),
        new("level", l => l.Level),
        new("request", l => l.RequestId),
        new("message", l => l.Message),
        new("exception", l => l.Exception?.Split('\n')[0]),
    ];

    public static Command Build()
    {
        var request = new Option<string?>("--request") { Description = "only what was said on account of this request", HelpName = "id" };
        var level = new Option<string?>("--level") { Description = "debug, information, warning, error; several with commas", HelpName = "level" };
        var limit = new Option<int?>("--limit") { Description = "so many of the newest lines (default: 200)", HelpName = "n" };
        var host = SharedOptions.Host();
        return CommandBuilder.Verb("logs", "the daemon's last log lines", [request, level, limit, host], async (invocation, cancellationToken) =>
        {
            var lines = await invocation.Client.Server.LogsAsync(invocation.Value(request), invocation.Value(level), invocation.Value(limit), invocation.Value(host), cancellationToken);
            invocation.Printer.List(lines, ApiJson.Default.LogEntry, Columns);
        });
    }
}
