using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Placement;
using Lamina.Server.Store;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>Carries out the changes of a VM that runs. Decides nothing; each is safe to repeat.</summary>
internal sealed class VmLiveSteps(VmHost host, string vmId, VmCommits commits)
{
    /// <summary>How long a guest may take to give a device back, to open its tray, to take or give memory.</summary>
    private static readonly TimeSpan GuestPatience = TimeSpan.FromSeconds(20);

    /// <summary>How long QEMU may take for all commands of one change.</summary>
    private static readonly TimeSpan EnginePatience = TimeSpan.FromSeconds(60);

    /// <exception cref="ProblemException">In words for people.</exception>
    public async Task<VmStepResult> ChangeAsync(VmStep.Change step, VmStepContext context, CancellationToken cancellationToken)
    {
        try
        {
            // Only the wait for the guest is given up: a device half plugged would be neither here nor there.
            using var guest = new CancellationTokenSource(GuestPatience, host.Time);
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(guest.Token, cancellationToken);
            using var engine = new CancellationTokenSource(GuestPatience + EnginePatience, host.Time);
            await new VmLiveWork(host, vmId, context, deadline.Token, engine.Token).DoAsync(step);
            await RecordAsync(step.What, context.Wanted.Spec);
            return new VmStepResult(step);
        }
        catch (GuestDeclinedException) when (cancellationToken.IsCancellationRequested)
        {
            return new VmStepResult(step) { Failure = OperationOutcome.Cancelled.Failure };
        }
        catch (GuestDeclinedException declined)
        {
            return new VmStepResult(step) { Failure = VmFailures.GuestDeclined(context.Wanted.Spec.Name, step.What, declined.Message) };
        }
        catch (QmpErrorException refused)
        {
            return new VmStepResult(step) { Failure = VmFailures.ChangeRefused(context.Wanted.Spec.Name, refused.Message) };
        }
    }

    /// <summary>One commit: what became of the disks, and the end of the operation.</summary>
    public async Task<VmStepResult> EndAsync(VmStep.EndChange step, VmStepContext context, CancellationToken cancellationToken)
    {
        if (context.Operation is not { } operation) return new VmStepResult(step);
        var change = new StoreChange("vm.changed").RequireExists(Keys.Vms.Spec[vmId]);
        var outcome = new OperationOutcome(step.Outcome.Phase, step.Outcome.Failure, step.Outcome.Result);
        if (context.Watch is null && outcome.Phase == OperationPhase.Succeeded)
        {
            try
            {
                foreach (var disk in await host.Resources.MakeDisksAsync(context.Wanted.Spec, cancellationToken)) change.Put(Keys.Disks.Status, disk.Id, disk.Status);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                outcome = OperationOutcome.Failed(VmWords.OfFailure(failure));
            }
        }

        if (outcome.Phase == OperationPhase.Succeeded) AddEvent(change, context, operation, outcome);
        try
        {
            await operation.EndAsync(outcome, change, cancellationToken);
            return new VmStepResult(step);
        }
        catch (Exception away) when (away is StoreUnavailableException or StoreOutcomeUnknownException)
        {
            return new VmStepResult(step) { StoreAway = true };
        }
    }

    /// <summary>Disks that the VM has let go of: free for others, or deleted.</summary>
    public async Task<VmStepResult> ReleaseAsync(VmStep.ReleaseDisks step, CancellationToken cancellationToken)
    {
        var snapshot = host.Cache.Snapshot;
        var change = new StoreChange("vm.disksReleased");
        foreach (string id in step.Disks)
        {
            if (snapshot.Get(Keys.Disks.Spec, id) is not { } disk) continue;
            if (disk.Record.Deleting is null)
            {
                change.Update(Keys.Disks.Spec, id, disk.Record with { Vm = null }, disk.ModRevision);
                continue;
            }

            host.Resources.DeleteDisk(id, disk.Record);
            change.Require(Keys.Disks.Spec[id], disk.ModRevision).DeletePrefix(Keys.Disks.All(id)).Delete(Keys.Names[Keys.NameId(disk.Record.Project, "disk", disk.Record.Name)]);
        }

        return await CommitAsync(step, change, cancellationToken);
    }

    /// <summary>The size that a disk has now; should this be lost, its next start finds it in the file.</summary>
    private async Task RecordAsync(VmLiveChange what, VmSpec spec)
    {
        if (what.Kind is not (VmLiveKind.ResizeDisk or VmLiveKind.PlugDisk) || spec.Disks.FirstOrDefault(disk => disk.Slot == what.Slot) is not { } disk) return;
        var snapshot = host.Cache.Snapshot;
        if (snapshot.Get(Keys.Disks.Status, disk.Disk) is not { } status || snapshot.Get(Keys.Disks.Spec, disk.Disk) is not { } record) return;
        if (status.Record.SizeBytes == record.Record.SizeBytes) return;
        var change = new StoreChange("disk.grown").Update(Keys.Disks.Status, disk.Disk, status.Record with { SizeBytes = record.Record.SizeBytes }, status.ModRevision);
        await CommitAsync(new VmStep.Rest(), change, CancellationToken.None);
    }

    private async Task<VmStepResult> CommitAsync(VmStep step, StoreChange change, CancellationToken cancellationToken)
    {
        try
        {
            var result = await change.CommitAsync(host.Store, host.Time, cancellationToken);
            await host.Cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(2), CancellationToken.None);
            return new VmStepResult(step);
        }
        catch (Exception away) when (away is StoreUnavailableException or StoreOutcomeUnknownException)
        {
            return new VmStepResult(step) { StoreAway = true };
        }
    }

    private void AddEvent(StoreChange change, VmStepContext context, OperationRun operation, OperationOutcome outcome)
    {
        if (context.Committed is not { } committed) return;
        string waits = outcome.Result is null ? "" : " Some of it waits for a restart.";
        var news = new VmNews(EventSeverity.Information, "vm.changed", $"The change of VM '{context.Wanted.Spec.Name}' is done.{waits}");
        commits.AddEvent(change, news, context.Wanted.Spec, committed.Status, operation);
    }
}
