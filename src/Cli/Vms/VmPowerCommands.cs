using System.CommandLine;
using Lamina.Api;
using Lamina.Api.Client;

namespace Lamina.Cli.Vms;

/// <summary>Starting, stopping and all between.</summary>
internal static class VmPowerCommands
{
    public static Command Start()
    {
        var boot = new Option<BootDevice?>("--boot") { Description = "this once: from disk, cdrom or network", HelpName = "disk|cdrom|network" };
        return Act("start", "start it", "runs", (vms, vm, i, ct) => vms.StartAsync(vm, new VmStartRequest { Boot = i.Value(boot) }, ct), boot);
    }

    public static Command Shutdown()
    {
        var timeout = new Option<int?>("--timeout") { Description = "how many seconds the guest may take (default 300)", HelpName = "seconds" };
        var force = new Option<bool>("--force-after") { Description = "cut the power when it has not shut down by then" };
        return Act("shutdown", "ask the guest to shut down", "is shut down", (vms, vm, i, ct) =>
            vms.ShutdownAsync(vm, new VmShutdownRequest { TimeoutSeconds = i.Value(timeout), ForceAfter = i.Value(force) }, ct), timeout, force);
    }

    public static Command Stop()
    {
        var force = new Option<bool>("--force") { Description = "cut the power: what the guest has not written is lost" };
        var yes = SharedOptions.Yes();
        return Act("stop", "cut the power (--force); to shut down politely: vm shutdown", "is stopped", async (vms, vm, i, ct) =>
        {
            bool isSuspended = !i.Value(yes) && (await vms.GetAsync(vm, ct)).Value.Status?.State == VmState.Suspended;
            if (isSuspended) Terminal.Confirm($"Discard the memory of {vm}? It is suspended: what its guest has not written to disk is lost.", i.Value(yes));
            else if (!i.Value(force)) Terminal.Confirm($"Cut the power of {vm}? What its guest has not written to disk is lost.", i.Value(yes));
            return await vms.StopAsync(vm, new VmStopRequest { Force = true }, ct);
        }, force, yes);
    }

    public static Command Reset()
    {
        var yes = SharedOptions.Yes();
        return Act("reset", "press the reset button", "is reset", (vms, vm, i, ct) =>
        {
            Terminal.Confirm($"Reset {vm}? What its guest has not written to disk is lost.", i.Value(yes));
            return vms.ResetAsync(vm, ct);
        }, yes);
    }

    public static Command Act(string verb, string description, string done, Func<VmsClient, string, CancellationToken, Task<Operation>> act) =>
        Act(verb, description, done, (vms, vm, _, cancellationToken) => act(vms, vm, cancellationToken));

    private static Command Act(
        string verb, string description, string done, Func<VmsClient, string, Invocation, CancellationToken, Task<Operation>> act, params Option[] options)
    {
        var vm = VmArgument.Create();
        return CommandBuilder.Verb(verb, description, [vm, .. options], async (invocation, cancellationToken) =>
        {
            var name = invocation.Value(vm);
            var operation = await act(invocation.Client.Vms, name, invocation, cancellationToken);
            return await OperationFollower.FinishAsync(invocation, operation, $"{name} {done}", cancellationToken);
        });
    }
}
