using Lamina.Api;
using Lamina.Linux;
using Lamina.Server.Control;
using Lamina.Server.Operations;

namespace Lamina.Server.Maintenance;

/// <summary>Asks this machine for its reboot or its end; returns when it was asked.</summary>
internal delegate Task AskMachine(HostPowerAction action, CancellationToken cancellationToken);

/// <summary>
/// Carries out on this host what the leader asks once it is empty. The machine is asked once: what was recorded before tells a daemon that starts anew, by
/// the boot, whether it was heard.
/// </summary>
internal sealed class HostPowerHand(MaintenanceHost host, Cache cache, AskMachine? ask, TimeProvider time)
{
    public const string Kind = "host.power";

    /// <summary>The operation on whose account it is asked.</summary>
    public const string ForParameter = "for";
    public const string ActionParameter = "action";

    /// <summary>A machine that was asked is gone by then.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    public void Register(OperationExecutor executor) => executor.Register(Kind, RunAsync, afterRestart: AfterRestart.Resume);

    private async Task RunAsync(OperationRun run, CancellationToken cancellationToken)
    {
        var action = (string?)run.Request.Parameters?[ActionParameter] == EvacuationJob.Shutdown ? HostPowerAction.Shutdown : HostPowerAction.Reboot;
        string step = StepOf(host.BootId);
        if (run.State.Steps.Any(begun => begun != step)) return;
        if (run.HasBegun(step)) throw new ProblemException(
            ProblemKind.Conflict, "operation.outcomeUnknown", $"Host '{host.Name}' was asked, the daemon ended, and the machine still runs since the same boot.", "Look at the host; ask again, or reboot it by hand.");
        Check(run.Request);
        await run.StepAsync(step, cancellationToken);
        CrashPoints.Reached("host", "power", "before");
        await ask!(action, cancellationToken);
        run.Report(null, "the machine was asked");
        // It ends with the daemon; the next boot finds the step.
        await Task.Delay(Patience, time, cancellationToken);
        throw new ProblemException(ProblemKind.Conflict, "host.powerIgnored", $"Host '{host.Name}' was asked, and still runs after {Patience.TotalMinutes:0} minutes.", "See its journal: journalctl -b.");
    }

    private void Check(OperationRequest request)
    {
        if (ask is null) throw new ProblemException(
            ProblemKind.Conflict, "host.powerDenied", $"The daemon of host '{host.Name}' may not reboot the machine: it is not that of the default instance.", "Reboot the machine by hand: the host is empty.");
        if (cache.Snapshot.Get(Keys.Hosts.Spec, host.Id)?.Record.Maintenance?.Operation != (string?)request.Parameters?[ForParameter]) throw new ProblemException(
            ProblemKind.Conflict, "host.notInMaintenance", $"Host '{host.Name}' is not in the maintenance any more for which it was to be asked.", "Ask again.");
        if (host.Running() is { Count: > 0 } running) throw new ProblemException(
            ProblemKind.Conflict, "host.guestsRunning", $"Guests run on host '{host.Name}': {running.Count}.", "Stop them, or ask again: those that can go will go.");
    }

    private static string StepOf(string bootId) => $"asked in boot {bootId}";
}

/// <summary>This host, as far as its reboot is concerned.</summary>
/// <param name="Id">Of the host.</param>
/// <param name="Name">For words.</param>
/// <param name="BootId">Of this boot of the machine.</param>
/// <param name="Running">Ids of the VMs that have a process here.</param>
internal sealed record MaintenanceHost(string Id, string Name, string BootId, Func<IReadOnlyList<string>> Running);
