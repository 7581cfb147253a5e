using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina cluster recovery …</c>: the guests after a recovery of the store.</summary>
internal static class ClusterRecoveryCommands
{
    private static readonly IReadOnlyList<Column<ClusterRecovery>> Fields =
    [
        new("recovered", r => r.At is { } at ? Times.Absolute(at) : "never"),
        new("generation", r => r.Generation?.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        new("on", r => r.Host),
        new("from", r => r.IsRecovered ? r.Snapshot ?? "its own copy" : null),
        new("silent hosts", r => r.SilentHosts.Count > 0 ? string.Join(", ", r.SilentHosts) : null),
        new("VMs that wait", r => r.IsRecovered ? r.WaitingVms.ToString(System.Globalization.CultureInfo.InvariantCulture) : null),
    ];

    private static readonly IReadOnlyList<Column<RecoveringVm>> Waiting = [new("vm", vm => vm.Name), new("project", vm => vm.Project), new("waits", vm => vm.Why)];

    private static readonly IReadOnlyList<Column<OrphanGuest>> Orphans = [new("orphan", guest => guest.Name), new("host", guest => guest.Host), new("id", guest => guest.Vm)];

    public static Command Build() => CommandBuilder.Noun("recovery", "the guests after a recovery of the cluster's store", Show(), Stop());

    private static Command Show() => CommandBuilder.Verb("show", "which VMs wait and for what, and which guests are of no VM on record", [], async (invocation, cancellationToken) =>
    {
        var recovery = await invocation.Client.Cluster.GetRecoveryAsync(cancellationToken);
        invocation.Printer.Show(recovery, ApiJson.Default.ClusterRecovery, Fields);
        if (invocation.Printer.Format != OutputFormat.Table) return;
        if (recovery.Waiting.Count > 0) invocation.Printer.Rows(recovery.Waiting, Waiting);
        if (recovery.Orphans.Count > 0) invocation.Printer.Rows(recovery.Orphans, Orphans);
    });

    private static Command Stop()
    {
        var host = new Argument<string>("host") { Description = "on which it runs" };
        var vm = new Argument<string>("vm") { Description = "its id, as 'lamina cluster recovery show' says" };
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("stop", "cut the power of a guest of no VM on record, or of one that runs on two hosts", [host, vm, yes], async (invocation, cancellationToken) =>
        {
            Terminal.Confirm($"Cut the power of the guest {invocation.Value(vm)} on {invocation.Value(host)}? Its disks stay.", invocation.Value(yes));
            await invocation.Client.Cluster.StopGuestAsync(invocation.Value(host), invocation.Value(vm), cancellationToken);
            invocation.Say($"the guest {invocation.Value(vm)} on {invocation.Value(host)} is ended");
        });
    }
}
