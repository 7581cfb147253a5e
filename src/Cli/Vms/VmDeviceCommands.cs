using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary>What the commands that change a VM's devices share.</summary>
internal static class VmDeviceCommands
{
    public static Argument<int> Slot(string noun) => new("slot") { Description = $"the {noun}'s slot, as 'lamina vm show' tells it" };

    /// <summary>Follows to the end; says what waits for a restart.</summary>
    public static async Task<ExitCode> FinishAsync(Invocation invocation, Operation operation, string done, CancellationToken cancellationToken)
    {
        var ended = await OperationFollower.FollowAsync(invocation, operation, cancellationToken);
        if (invocation.Printer.Format is Output.OutputFormat.Json or Output.OutputFormat.Yaml) invocation.Printer.Show(ended, ApiJson.Default.Operation, []);
        var outcome = OperationFollower.Outcome(invocation, ended, done);
        foreach (var (path, reason) in PendingOf(ended)) invocation.Say($"  pending: {path}: {reason}");
        return outcome;
    }

    private static IEnumerable<(string Path, string Reason)> PendingOf(Operation ended)
    {
        if (ended.State?.Result?["pendingRestart"] is not System.Text.Json.Nodes.JsonArray pending) yield break;
        foreach (var change in pending) yield return ((string?)change?["path"] ?? "", (string?)change?["reason"] ?? "");
    }
}
