using Lamina.Api;

namespace Lamina.Cli;

/// <summary>
/// Waits for an operation and shows its progress. An interrupt leaves the operation running, since another person may wait for it too,
/// and says how to cancel it.
/// </summary>
internal static class OperationFollower
{
    /// <returns>The ended operation; with <c>--no-wait</c> the accepted one.</returns>
    /// <exception cref="CliException">The wait was interrupted.</exception>
    public static async Task<Operation> FollowAsync(Invocation invocation, Operation operation, CancellationToken cancellationToken)
    {
        // One that was done without a store is nowhere else than in the answer.
        if (!invocation.Wait || operation.State is { Phase: OperationPhase.Succeeded or OperationPhase.Failed or OperationPhase.Cancelled }) return operation;
        using var progress = new Progress();
        try
        {
            return await invocation.Client.Operations.WaitAsync(
                operation.Id, seen => progress.Report(seen.State?.ProgressPercent, seen.State?.Message ?? "waiting", What(seen)), cancellationToken);
        }
        catch (OperationCanceledException)
        {
            throw new CliException(ExitCode.Failed, "no longer waiting; the operation goes on", $"lamina operation cancel {operation.Id} ends it");
        }
    }

    /// <summary>Follows to the end; a message for success, the failure's words and code otherwise.</summary>
    public static async Task<ExitCode> FinishAsync(Invocation invocation, Operation operation, string done, CancellationToken cancellationToken)
    {
        return Conclude(invocation, await FollowAsync(invocation, operation, cancellationToken), done);
    }

    /// <summary>Prints an operation that was followed, and says how it ended.</summary>
    public static ExitCode Conclude(Invocation invocation, Operation ended, string done)
    {
        if (invocation.Printer.Format is Output.OutputFormat.Json or Output.OutputFormat.Yaml)
            invocation.Printer.Show(ended, ApiJson.Default.Operation, []);
        return Outcome(invocation, ended, done);
    }

    /// <summary>How an operation ended, in words and as a code.</summary>
    public static ExitCode Outcome(Invocation invocation, Operation ended, string done)
    {
        switch (ended.State?.Phase)
        {
            case OperationPhase.Failed when ended.State.Failure is { } failure:
                return Errors.Failed(What(ended), failure);
            case OperationPhase.Failed:
            case OperationPhase.Cancelled:
                invocation.Say($"{What(ended)}: {ended.State.Phase.ToString().ToLowerInvariant()}");
                return ExitCode.Failed;
            case OperationPhase.Succeeded:
                invocation.Say(done);
                return ExitCode.Done;
            default:
                invocation.Say($"accepted as operation {ended.Id}");
                return ExitCode.Done;
        }
    }

    private static string What(Operation operation) => $"{operation.Request.Kind} {operation.Request.Target.Name ?? operation.Request.Target.Id}";
}
