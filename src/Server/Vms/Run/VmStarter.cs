using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Placement;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Rules;

namespace Lamina.Server.Vms.Run;

/// <summary>
/// Starts one run: (1) memory and uid are promised; (2) disks, seed, NVRAM and taps are made, at the same time; (3) QEMU is created with its CPUs
/// stopped while (4) the commit of <c>starting</c> with this run is under way; (5) once both are known, the gate lets the CPUs run. What fails is
/// undone at once; what a crash leaves is found by the next start of the daemon and by the sweep.
/// </summary>
internal sealed partial class VmStarter(VmHost host, string vmId, VmCommits commits, Action<VmMessage> post, ILogger logger)
{
    public async Task<VmStepResult> StartAsync(VmStep.Start step, VmWanted wanted, VmCommitted? after, OperationRun? operation, CancellationToken cancellationToken)
    {
        await using var undo = new Undo(logger);
        var spec = wanted.Spec;
        var engine = await host.Engine.ProbeAsync(cancellationToken);
        var accelerator = AcceleratorOf(engine);
        host.Memory.Promise(vmId, spec.Name, spec.MemoryMiB, VmPlaces.Here(host, accelerator.Kind));
        undo.Add("take back the memory promised", () => host.Memory.Release(vmId));
        int userId = host.UserIds.Take();
        undo.Add("give back the user id", () => host.UserIds.Release(userId));
        undo.Add("remove the VM's links", () => host.Resources.RemoveLinks(vmId, spec));
        operation?.Report(null, "making disks and links");
        var (material, made) = await host.Resources.PrepareAsync(vmId, spec, cancellationToken);
        operation?.Report(null, "creating QEMU");
        operation?.SetRun(wanted.Epoch, step.Run);
        var definition = VmDefinitions.Make(wanted.Order?.Boot is { } device ? VmFirmwareRules.BootOnce(spec, device) : spec, material, IdentityOf(wanted, step, userId), engine);
        var report = new VmReport("vm.starting", Starting(wanted, step, after, accelerator)) { Disks = made };

        // The commit is not to be given up half-way: its outcome must be known whatever becomes of QEMU.
        var committing = commits.WriteAsync(step, report, after, null, CancellationToken.None);
        var creating = CreateAsync(definition, cancellationToken);
        var committed = await committing;
        var (vm, failure) = await creating;
        if (vm is null) return committed with { Failure = failure, Released = false };
        return await RunAsync(step, vm, committed, undo, cancellationToken);
    }

    /// <summary>QEMU stands with its CPUs stopped: lets them run if the run is on record.</summary>
    private async Task<VmStepResult> RunAsync(VmStep.Start step, IVm vm, VmStepResult committed, Undo undo, CancellationToken cancellationToken)
    {
        if (committed is { Committed: null, Unsettled: null })
        {
            // Not on record for certain, and it never ran: nobody is robbed.
            await vm.KillAsync(CancellationToken.None);
            await vm.DisposeAsync();
            return committed;
        }

        // From here on the process owns what was made for it.
        undo.Succeeded();
        var watch = new VmWatch(vm, post, host.Time);
        post(new VmMessage.Attached(watch));
        if (committed.Committed is not { } known) return await StandAsync(watch, committed);
        try
        {
            using var deadline = new CancellationTokenSource(VmWatch.MonitorPatience, host.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
            await VmGate.ContinueAsync(vm, known.Status, either.Token);

            // Known without asking; whatever has happened since is told after it.
            post(new VmMessage.Told(watch, null, RunState.Running));
            watch.Listen();
            return committed;
        }
        catch (Exception refused)
        {
            return await StandAsync(watch, committed with { Step = new VmStep.Continue(), Failure = VmWords.OfFailure(refused) });
        }
    }

    /// <summary>The mailbox learns the state of the process before the step ends.</summary>
    private static async Task<VmStepResult> StandAsync(VmWatch watch, VmStepResult result)
    {
        watch.Listen();
        await watch.RefreshAsync();
        return result;
    }

    private async Task<(IVm? Vm, Failure? Failure)> CreateAsync(VmDefinition definition, CancellationToken cancellationToken)
    {
        try
        {
            var vm = await host.Engine.StartPausedAsync(definition, cancellationToken);
            return (vm, null);
        }
        catch (Exception failure)
        {
            LogNotCreated(logger, definition.Name, failure);
            return (null, VmWords.OfFailure(failure));
        }
    }

    private VmStatus Starting(VmWanted wanted, VmStep.Start step, VmCommitted? after, Api.Accelerator accelerator)
    {
        var last = after?.Status ?? new VmStatus { Host = host.HostId, Epoch = wanted.Epoch, State = VmState.Stopped };
        return last with
        {
            Host = host.HostId,
            Epoch = wanted.Epoch,
            Run = step.Run,
            State = VmState.Starting,
            PauseCause = null,
            StartedAt = null,
            Addresses = [],
            Agent = null,
            Accelerator = accelerator,
            HostBootId = host.BootId,
        };
    }

    private VmRunIdentity IdentityOf(VmWanted wanted, VmStep.Start step, int userId) => new()
    {
        VmId = vmId,
        Instance = host.Instance.Name,
        Epoch = wanted.Epoch,
        Run = step.Run,
        UserId = userId,
        RuntimeFolder = host.Instance.VmDirectory(vmId),
    };

    private static Api.Accelerator AcceleratorOf(EngineCapabilities engine) => new()
    {
        Kind = engine.Accelerator == Engine.Accelerator.Kvm ? AcceleratorKind.Kvm : AcceleratorKind.Tcg,
        Reason = engine.AcceleratorReason,
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "VM {Name} could not be created")]
    private static partial void LogNotCreated(ILogger logger, string name, Exception failure);
}
