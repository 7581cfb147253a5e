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
        if (after?.Status.Memory is { } memory) definition = VmDefinitions.Resume(host.Resources.ReadMemoryDefinition(vmId, spec, memory), definition, spec.Name);
        var report = new VmReport("vm.starting", Starting(wanted, step, after, accelerator)) { Disks = made };

        // The commit is not to be given up half-way: its outcome must be known whatever becomes of QEMU.
        var committing = commits.WriteAsync(step, report, after, null, CancellationToken.None);
        var creating = CreateAsync(definition, cancellationToken);
        var committed = await committing;
        var (vm, failure) = await creating;
        if (vm is null) return committed with { Failure = failure, Released = false };
        if (definition.Incoming && committed.Committed?.Status.Memory is { } image && await LoadAsync(vm, spec, image, operation, cancellationToken) is { } unfit)
        {
            await vm.KillAsync(CancellationToken.None);
            await vm.DisposeAsync();
            return committed with { Failure = unfit };
        }

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
        // A memory that was brought in must be off the record before the CPUs run: the plan sees to both.
        if (committed.Committed is not { } known || vm.Definition.Incoming) return await StandAsync(watch, committed);
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

    /// <summary>Null: the guest's memory is where it was. It stays in its file until the guest runs.</summary>
    private async Task<Failure?> LoadAsync(IVm vm, VmSpec spec, VmMemoryImage image, OperationRun? operation, CancellationToken cancellationToken)
    {
        operation?.Report(null, "bringing the memory back");
        try
        {
            using var file = File.OpenHandle(host.Resources.MemoryFile(vmId, spec, image));
            await vm.LoadMemoryAsync(file, cancellationToken);
            return null;
        }
        catch (Exception failure)
        {
            LogNotLoaded(logger, spec.Name, failure);
            return new Failure
            {
                Code = "vm.memoryNotLoaded",
                Message = $"The memory of VM '{spec.Name}' could not be brought back: {(vm.StderrTail is { Length: > 0 } words ? words.Trim() : failure.Message)}",
                Remedy = $"Try again, or discard the memory and boot: lamina vm stop {spec.Name} --force.",
            };
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "The memory of VM {Name} could not be brought back")]
    private static partial void LogNotLoaded(ILogger logger, string name, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "VM {Name} could not be created")]
    private static partial void LogNotCreated(ILogger logger, string name, Exception failure);
}
