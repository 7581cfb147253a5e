using Lamina.Api;
using Lamina.Engine.Qmp;
using Lamina.Linux;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Lamina.Server.Store;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>What a step is carried out with.</summary>
internal sealed record VmStepContext
{
    public required VmWanted Wanted { get; init; }
    public VmCommitted? Committed { get; init; }
    public VmWatch? Watch { get; init; }

    /// <summary>The operation in hand: the order's, or the reset's.</summary>
    public OperationRun? Operation { get; init; }
}

/// <summary>Carries out the plan's steps. Decides nothing; never throws: what went wrong is in the result.</summary>
internal sealed partial class VmSteps(VmHost host, string vmId, VmCommits commits, VmStarter starter, ILogger logger)
{
    /// <summary>How long QEMU may take to flush its disks and quit before its cgroup is killed.</summary>
    private static readonly TimeSpan QuitPatience = TimeSpan.FromSeconds(10);

    private readonly VmLiveSteps _live = new(host, vmId, commits);

    public async Task<VmStepResult> DoAsync(VmStep step, VmStepContext context, CancellationToken cancellationToken)
    {
        RequestIds.Continue(context.Operation?.Request.RequestId);
        try
        {
            return step switch
            {
                VmStep.Start start => await starter.StartAsync(start, context.Wanted, context.Committed, context.Operation, cancellationToken),
                VmStep.Write write => await WriteAsync(write, context, cancellationToken),
                VmStep.MakeDisks => await MakeDisksAsync(step, context, cancellationToken),
                VmStep.End => await EndAsync(step, context.Watch!),
                VmStep.TakeAlong => await TakeAlongAsync(step, context, cancellationToken),
                VmStep.DeleteResources => Delete(step, context.Wanted),
                VmStep.Remove => await commits.RemoveAsync(step, context.Operation, context.Wanted.Epoch, cancellationToken),
                VmStep.Change change => await _live.ChangeAsync(change, context, cancellationToken),
                VmStep.EndChange end => await _live.EndAsync(end, context, cancellationToken),
                VmStep.ReleaseDisks release => await _live.ReleaseAsync(release, cancellationToken),
                VmStep.Reset reset => await ResetAsync(reset, context, cancellationToken),
                VmStep.RefuseReset refused => await RefuseAsync(refused, context, cancellationToken),
                _ => await CommandAsync(step, context, cancellationToken),
            };
        }
        catch (Exception failure)
        {
            LogFailed(logger, step.GetType().Name, context.Wanted.Spec.Name, failure);
            return new VmStepResult(step) { Failure = VmWords.OfFailure(failure) };
        }
    }

    /// <summary>Gives back what a dead process held.</summary>
    public async Task<VmStepResult> ReleaseAsync(VmStep step, VmRemains remains)
    {
        var definition = remains.Definition;
        try
        {
            if (remains.Watch is { } watch) await watch.DisposeAsync();
            await host.Resources.ReleaseAsync(definition);
        }
        catch (Exception failure)
        {
            // The sweep will find it: a VM that has ended is not held up for it.
            LogNotReleased(logger, definition.Name, failure);
        }

        host.Memory.Release(vmId);
        host.UserIds.Release(definition.Uid);
        return new VmStepResult(step) { Released = true };
    }

    /// <summary>
    /// Ends a process of a VM that another host has at a higher epoch, when the store has confirmed that by a transaction. At once and hard: its disks may be the
    /// other host's by now, so nothing more is written to them.
    /// </summary>
    public async Task<VmStepResult> EndOutlivedAsync(VmStep step, VmWatch watch, CachedRecord<VmAssignment> owner, CancellationToken cancellationToken)
    {
        try
        {
            if (!await commits.ConfirmOutlivedAsync(owner, watch.Vm, cancellationToken)) return new VmStepResult(step) { Overtaken = true };
            CrashPoints.Reached("vm", "outlived", "kill");
            await watch.Vm.KillAsync(CancellationToken.None);
            return new VmStepResult(step) { Ended = watch };
        }
        catch (Exception away) when (away is StoreUnavailableException or StoreOutcomeUnknownException)
        {
            return new VmStepResult(step) { StoreAway = true };
        }
        catch (Exception failure)
        {
            LogFailed(logger, nameof(VmOutlived), watch.Vm.Definition.Name, failure);
            return new VmStepResult(step) { StoreAway = true };
        }
    }

    private Task<VmStepResult> WriteAsync(VmStep.Write write, VmStepContext context, CancellationToken cancellationToken)
    {
        var report = new VmReport("vm.status", write.Status)
        {
            News = write.News,
            Outcome = write.Outcome is { } outcome ? new OperationOutcome(outcome.Phase, outcome.Failure ?? Reason(outcome.Phase)) : null,
        };
        return commits.WriteAsync(write, report, context.Committed, context.Operation, cancellationToken);
    }

    private static Failure? Reason(OperationPhase phase) => phase == OperationPhase.Cancelled ? OperationOutcome.Cancelled.Failure : null;

    /// <summary>The disks' own statuses are a commit of their own here: the VM's follows with the end of the operation.</summary>
    private async Task<VmStepResult> MakeDisksAsync(VmStep step, VmStepContext context, CancellationToken cancellationToken)
    {
        context.Operation?.Report(null, "making disks");
        var made = await host.Resources.MakeDisksAsync(context.Wanted.Spec, cancellationToken, context.Operation is { } asked ? asked.Report : null);
        var change = new StoreChange("vm.disks").RequireExists(Keys.Vms.Spec[vmId]);
        foreach (var disk in made) change.Put(Keys.Disks.Status, disk.Id, disk.Status);
        if (made.Count > 0) await change.CommitAsync(host.Store, host.Time, cancellationToken);
        return new VmStepResult(step);
    }

    private async Task<VmStepResult> EndAsync(VmStep step, VmWatch watch)
    {
        using var deadline = new CancellationTokenSource(QuitPatience, host.Time);
        await VmEnding.EndAsync(watch.Vm, deadline.Token);
        return new VmStepResult(step) { Ended = watch };
    }

    private static async Task<VmStepResult> TakeAlongAsync(VmStep step, VmStepContext context, CancellationToken cancellationToken)
    {
        var vm = context.Watch!.Vm;
        await vm.AdoptEpochAsync(context.Wanted.Epoch, vm.Run, cancellationToken);
        return new VmStepResult(step);
    }

    private VmStepResult Delete(VmStep step, VmWanted wanted)
    {
        host.Resources.Delete(vmId, wanted.Spec);
        return new VmStepResult(step);
    }

    private async Task<VmStepResult> CommandAsync(VmStep step, VmStepContext context, CancellationToken cancellationToken)
    {
        var watch = context.Watch!;
        using var deadline = new CancellationTokenSource(VmWatch.MonitorPatience, host.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
        try
        {
            await (step switch
            {
                VmStep.Continue => VmGate.ContinueAsync(watch.Vm, context.Committed!.Status, either.Token),
                VmStep.Pause => watch.Vm.PauseAsync(either.Token),
                VmStep.PressPowerButton => watch.Vm.PowerDownAsync(either.Token),
                _ => throw new InvalidOperationException($"{step} is no command of the monitor."),
            });
        }
        catch (OperationCanceledException) when (deadline.IsCancellationRequested)
        {
            throw new ProblemException(ProblemKind.Unavailable, "vm.unresponsive",
                $"QEMU of VM '{context.Wanted.Spec.Name}' has not answered within {VmWatch.MonitorPatience.TotalSeconds} s.", "Wait until it answers again, or cut its power: lamina vm stop NAME --force.");
        }

        await watch.RefreshAsync();
        return new VmStepResult(step);
    }

    /// <summary>Recorded before it is done, and never repeated: after a restart in between, nobody can tell (decision 17).</summary>
    private async Task<VmStepResult> ResetAsync(VmStep.Reset step, VmStepContext context, CancellationToken cancellationToken)
    {
        const string record = "reset";
        if (context.Operation is not { } operation) return new VmStepResult(step);
        if (operation.HasBegun(record))
        {
            await operation.EndAsync(OperationOutcome.Failed(VmFailures.OutcomeUnknown(context.Wanted.Spec.Name, "reset")), null, cancellationToken);
            return new VmStepResult(step);
        }

        var vm = context.Watch!.Vm;
        operation.SetRun(vm.Epoch, vm.Run);
        await operation.StepAsync(record, cancellationToken);
        try
        {
            using var deadline = new CancellationTokenSource(VmWatch.MonitorPatience, host.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token);
            await vm.ResetAsync(either.Token);
            var news = new VmNews(EventSeverity.Information, "vm.reset", $"VM '{context.Wanted.Spec.Name}' was reset.");
            var told = commits.Tell(news, context.Wanted.Spec, context.Committed!.Status, operation);
            await operation.EndAsync(OperationOutcome.Succeeded, told, cancellationToken);
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested && failure is OperationCanceledException or QmpClosedException or QmpErrorException or QmpProtocolException)
        {
            await operation.EndAsync(OperationOutcome.Failed(VmWords.OfFailure(failure)), null, cancellationToken);
        }

        return new VmStepResult(step);
    }

    private static async Task<VmStepResult> RefuseAsync(VmStep.RefuseReset step, VmStepContext context, CancellationToken cancellationToken)
    {
        if (context.Operation is { } operation) await operation.EndAsync(OperationOutcome.Failed(step.Failure), null, cancellationToken);
        return new VmStepResult(step);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Step} of VM {Name} failed")]
    private static partial void LogFailed(ILogger logger, string step, string name, Exception failure);

    [LoggerMessage(Level = LogLevel.Warning, Message = "What VM {Name} held on this host could not all be given back; the sweep will find it")]
    private static partial void LogNotReleased(ILogger logger, string name, Exception failure);
}
