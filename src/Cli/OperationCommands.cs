using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina operation …</c>: long jobs.</summary>
internal static class OperationCommands
{
    private static readonly IReadOnlyList<Column<Operation>> ListColumns =
    [
        new("id", o => o.Id),
        new("kind", o => o.Request.Kind),
        new("target", o => o.Request.Target.Name ?? o.Request.Target.Id),
        new("phase", Phase),
        new("done", o => o.State?.ProgressPercent is { } p ? $"{p} %" : null, AlignRight: true),
        new("by", o => o.Request.RequestedBy),
        new("asked", o => Times.Absolute(o.Request.CreatedAt)),
        new("message", o => o.State?.Failure?.Message ?? o.State?.Message),
    ];

    private static readonly IReadOnlyList<Column<Operation>> ShowFields =
    [
        .. ListColumns,
        new("remedy", o => o.State?.Failure?.Remedy),
        new("took", o => o.State is { StartedAt: { } start, EndedAt: { } end } ? Times.Duration(end - start) : null),
        new("log", o => o.State is { Log.Count: > 0 } s ? string.Join("\n", s.Log) : null),
    ];

    public static Command Build() => CommandBuilder.Noun("operation", "long jobs", List(), Show(), Wait(), Cancel());

    private static Command List()
    {
        var running = new Option<bool>("--running") { Description = "only those that have not ended" };
        return CommandBuilder.Verb("list", "newest last", [running], async (invocation, cancellationToken) =>
        {
            var only = invocation.Value(running);
            var operations = await invocation.Client.Operations.ListAsync(cancellationToken)
                .Where(o => !only || o.State?.Phase is null or OperationPhase.Pending or OperationPhase.Running).ToListAsync(cancellationToken);
            invocation.Printer.List(operations, ApiJson.Default.Operation, ListColumns);
        });
    }

    private static Command Show()
    {
        var id = new Argument<string>("id");
        return CommandBuilder.Verb("show", "one, with its log", [id], async (invocation, cancellationToken) =>
            invocation.Printer.Show(await invocation.Client.Operations.GetAsync(invocation.Value(id), cancellationToken), ApiJson.Default.Operation, ShowFields));
    }

    private static Command Wait()
    {
        var id = new Argument<string>("id");
        return CommandBuilder.Verb("wait", "wait for its end", [id], async (invocation, cancellationToken) =>
        {
            var operation = await invocation.Client.Operations.GetAsync(invocation.Value(id), cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, "done", cancellationToken);
        });
    }

    private static Command Cancel()
    {
        var id = new Argument<string>("id");
        return CommandBuilder.Verb("cancel", "ask it to end; what it began is undone", [id], async (invocation, cancellationToken) =>
        {
            var asked = await invocation.Client.Operations.CancelAsync(invocation.Value(id), cancellationToken);
            var ended = await OperationFollower.FollowAsync(invocation, asked, cancellationToken);
            invocation.Say($"operation {ended.Id}: {Phase(ended)}");
        });
    }

    private static string Phase(Operation operation) => (operation.State?.Phase ?? OperationPhase.Pending).ToString().ToLowerInvariant();
}
