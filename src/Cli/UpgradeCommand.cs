using System.CommandLine;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina cluster upgrade</c></summary>
internal static class UpgradeCommand
{
    /// <summary>The daemon that is asked is replaced itself meanwhile, and a host alone answers nobody then.</summary>
    private static readonly TimeSpan AwayPatience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan AwayPause = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AnsweredFor = TimeSpan.FromSeconds(5);

    private static readonly IReadOnlyList<Column<UpgradeStep>> Rows =
    [
        new("host", step => step.Name),
        new("role", step => step.Role),
        new("version", step => step.Version),
        new("done", step => step.IsDone ? "yes" : null),
    ];

    public static Command Build()
    {
        var package = new Option<string>("--package") { Description = "file lamina_VERSION_amd64.deb", Required = true, HelpName = "file" };
        var signature = new Option<string?>("--signature") { Description = "file with its signature by the key that the hosts pin", HelpName = "file" };
        var evacuate = new Option<bool>("--evacuate") { Description = "empty each host before its daemon is replaced; guests do not need it" };
        var dryRun = new Option<bool>("--dry-run") { Description = "only say in which order, and what stands in the way" };
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb(
            "upgrade", "another version on all hosts, one after the other; guests run on", [package, signature, evacuate, dryRun, yes], async (invocation, cancellationToken) =>
            {
                var came = await SendAsync(invocation, invocation.Value(package)!, cancellationToken);
                var plan = await invocation.Client.Cluster.PlanUpgradeAsync(came.Sha256, cancellationToken);
                if (invocation.Value(dryRun)) return Show(invocation, plan);
                Terminal.Confirm($"Upgrade {plan.Hosts.Count} host{(plan.Hosts.Count == 1 ? "" : "s")} to version {plan.Version}?", invocation.Value(yes));
                var request = new ClusterUpgradeRequest { Package = came.Sha256, Signature = Signature(invocation.Value(signature)), Evacuate = invocation.Value(evacuate) };
                var operation = await invocation.Client.Cluster.UpgradeAsync(request, cancellationToken);
                return await FollowAsync(invocation, operation, $"all hosts have version {plan.Version}", cancellationToken);
            });
    }

    private static async Task<UpgradePackage> SendAsync(Invocation invocation, string path, CancellationToken cancellationToken)
    {
        await using var file = FileUpload.Open(path);
        using var progress = new Progress();
        return await invocation.Client.Cluster.SendPackageAsync(file, new ByteProgress(progress, $"bringing {Path.GetFileName(path)}", file.Length), cancellationToken);
    }

    private static ExitCode Show(Invocation invocation, ClusterUpgradePlan plan)
    {
        if (invocation.Printer.Format != OutputFormat.Table) invocation.Printer.Show(plan, ApiJson.Default.ClusterUpgradePlan, []);
        else
        {
            foreach (var blocker in plan.Blockers) invocation.Say($"in the way: {blocker.Message} {blocker.Remedy}".Trim());
            invocation.Printer.Rows(plan.Hosts, Rows);
            foreach (string note in plan.Notes) invocation.Say(note);
        }

        return plan.Blockers.Count == 0 ? ExitCode.Done : ExitCode.Conflict;
    }

    private static string? Signature(string? path)
    {
        if (path is null) return null;
        using var file = FileUpload.Open(path);
        byte[] content = new byte[file.Length];
        file.ReadExactly(content);
        return Convert.ToBase64String(content);
    }

    /// <summary>The daemon may be away for as long as it starts anew.</summary>
    private static async Task<ExitCode> FollowAsync(Invocation invocation, Operation operation, string done, CancellationToken cancellationToken)
    {
        long away = 0;
        while (true)
        {
            long began = TimeProvider.System.GetTimestamp();
            try
            {
                return await OperationFollower.FinishAsync(invocation, operation, done, cancellationToken);
            }
            catch (Exception failure) when (failure is LaminaUnreachableException or LaminaException { Problem.Status: 503 })
            {
                // It has answered for a while: this is another time that it is away.
                if (away == 0 || TimeProvider.System.GetElapsedTime(began) > AnsweredFor) away = TimeProvider.System.GetTimestamp();
                if (TimeProvider.System.GetElapsedTime(away) > AwayPatience) throw;
                await Task.Delay(AwayPause, TimeProvider.System, cancellationToken);
            }
        }
    }
}
