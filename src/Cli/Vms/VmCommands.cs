using System.CommandLine;
using Lamina.Api;

namespace Lamina.Cli.Vms;

/// <summary><c>lamina vm …</c></summary>
internal static class VmCommands
{
    public static Command Build() => CommandBuilder.Noun(
        "vm",
        "virtual machines",
        VmListCommands.List(),
        VmListCommands.Show(),
        Create("create", "make a virtual machine", start: false),
        Create("launch", "make a virtual machine and start it", start: true),
        VmPowerCommands.Start(),
        VmPowerCommands.Shutdown(),
        VmPowerCommands.Stop(),
        VmPowerCommands.Act("pause", "stop its CPUs; memory stays", "is paused", (vms, vm, ct) => vms.PauseAsync(vm, ct)),
        VmPowerCommands.Act("resume", "let its CPUs run again", "runs again", (vms, vm, ct) => vms.ResumeAsync(vm, ct)),
        VmPowerCommands.Act("suspend", "write its memory to disk and end it; start goes on where it stood", "is suspended", (vms, vm, ct) => vms.SuspendAsync(vm, ct)),
        VmPowerCommands.Reset(),
        VmSnapshotCommands.Build(),
        VmChangeCommands.Set(),
        VmCloudInitCommand.Build(),
        VmChangeCommands.Rename(),
        VmChangeCommands.Delete(),
        VmCopyCommands.Clone(),
        VmCopyCommands.Template(),
        VmMigrateCommand.Build(),
        VmTakeOverCommand.Build(),
        VmMobilityCommand.Build(),
        VmMetricCommands.Top(),
        VmMetricCommands.Metrics(),
        VmMetricCommands.Balloon(),
        VmExportCommand.Build(),
        VmDiskCommands.Build(),
        VmNicCommands.Build(),
        VmCdromCommands.Build(),
        VmConsoleCommand.Build(),
        VmExecCommand.Build(),
        VmFileCommands.Build(),
        VmScreenCommands.Screenshot(),
        VmScreenCommands.Keys(),
        VmFirewallCommands.Build(),
        VmInsightCommands.Log(),
        VmInsightCommands.QemuArguments());

    private static Command Create(string verb, string description, bool start)
    {
        var options = new VmLaunchOptions();
        return CommandBuilder.Verb(verb, description, options.All, async (invocation, cancellationToken) =>
        {
            if (options.TemplateOf(invocation) is { } template)
                return await VmCopyCommands.CloneAsync(invocation, template, await options.ReadCloneAsync(invocation, start, cancellationToken), cancellationToken);
            bool isDryRun = options.IsDryRun(invocation);
            var request = await options.ReadAsync(invocation, start, cancellationToken);
            if (isDryRun) return VmForecastOutput.Print(invocation, await invocation.Client.Vms.ForecastAsync(request, cancellationToken));
            var operation = await invocation.Client.Vms.CreateAsync(request, cancellationToken);
            foreach (string warning in operation.Request.Warnings) invocation.Say($"warning: {warning}");
            return await OperationFollower.FinishAsync(invocation, operation, $"{request.Name} {(start ? "runs" : "is made")}", cancellationToken);
        });
    }
}
