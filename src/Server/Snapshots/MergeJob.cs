using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Snapshots;

/// <summary>
/// Lets the layers go that nobody needs, one step after the other, each ended by a commit: in the background of a running guest where its chain goes
/// through them, else by a tool. Any order to the VM comes first; what is left then is done by the next merge.
/// </summary>
/// <param name="deleted">The snapshot that goes first, by a commit of its own: from then on its layers are not needed. Null: none.</param>
internal sealed class MergeJob(SnapshotGround ground, OperationRun operation, OfflineMerge offline, string? deleted = null) : IVmJob
{
    public VmJobKind Kind => VmJobKind.Merge;

    public OperationRun Operation => operation;

    public bool YieldsToOrders => true;

    public async Task<VmJobEnd> RunAsync(BorrowedVm vm, CancellationToken cancellationToken)
    {
        if (deleted is not null) await RemoveAsync(vm, deleted);
        try
        {
            using var pass = await ground.Disks.Gate.ChangeAsync([.. vm.Spec.Disks.Select(disk => disk.Disk)], cancellationToken);
            foreach (int slot in vm.Spec.Disks.Select(disk => disk.Slot)) await MergeAsync(vm, slot, cancellationToken);
        }
        catch (OperationCanceledException) when (vm.Overruled.IsCancellationRequested && !operation.Cancelled.IsCancellationRequested)
        {
            operation.Log("Another order came first: the layers that are left are merged later.");
        }
        finally
        {
            // An earlier daemon may have ended while the guest was held for a moment.
            if (operation.IsResumed && vm.Vm is { } resumed) await JobFailures.GoOnAsync(vm, resumed, vm.Status.State == VmState.Running);
        }

        return new VmJobEnd();
    }

    private async Task MergeAsync(BorrowedVm vm, int slot, CancellationToken cancellationToken)
    {
        while (DiskAt(vm, slot) is { } disk && NextOf(disk) is { } step)
        {
            if (!await StepAsync(vm, disk, step, cancellationToken)) return;
        }
    }

    /// <summary>The snapshot is gone before its layers are: a merge spoils what it froze, and cannot be taken back.</summary>
    private async Task RemoveAsync(BorrowedVm vm, string id)
    {
        var snapshot = ground.Cache.Snapshot;
        if (snapshot.Get(Keys.Snapshots.Spec, id) is not { } spec) return;
        var known = snapshot.Get(Keys.Snapshots.Status, id)?.Record;
        await vm.CommitAsync(
            "snapshot.removed",
            status => status.Snapshot == id ? status with { Snapshot = known?.Parent } : status,
            change =>
            {
                change.DeletePrefix(Keys.Snapshots.All(id)).Delete(Keys.Names[Keys.Snapshots.NameId(spec.Record.Project, spec.Record.Vm, spec.Record.Name)]);
                foreach (var child in snapshot.All(Keys.Snapshots.Status).Where(child => child.Record.Parent == id))
                    change.Put(Keys.Snapshots.Status, child.Id, child.Record with { Parent = known?.Parent });
            },
            new VmNews(EventSeverity.Information, "snapshot.deleted", $"Snapshot '{spec.Record.Name}' of VM '{vm.Spec.Name}' was deleted."));
        ground.FilesOf(vm, known?.Folder ?? $"{SnapshotFiles.Snapshots}/{id}").Delete();
    }

    private LayerStep? NextOf(JobDisk disk) =>
        LayerPlan.Next(disk.Layers, LayerUse.OfSnapshots(ground.Cache.Snapshot, disk.Id), LayerUse.OfClones(ground.Cache.Snapshot, disk.Id));

    private JobDisk? DiskAt(BorrowedVm vm, int slot) => ground.DisksOf(vm.Spec).FirstOrDefault(disk => disk.Slot == slot);

    /// <returns>False: not now.</returns>
    private async Task<bool> StepAsync(BorrowedVm vm, JobDisk disk, LayerStep step, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (step is LayerStep.Drop) await CommitAsync(vm, disk, step);
        else if (step is LayerStep.Merge merge && !await MergeAsync(vm, disk, merge, cancellationToken)) return false;
        ground.Disks.DeleteUnnamedLayers(disk.Id, disk.Spec);
        return true;
    }

    private async Task<bool> MergeAsync(BorrowedVm vm, JobDisk disk, LayerStep.Merge merge, CancellationToken cancellationToken)
    {
        void Report(int percent) => operation.Report(percent, $"merging layers of disk {disk.Spec.Name}");
        var upper = ground.Disks.PathsOf(disk.Id, disk.Spec, merge.Upper);
        var lower = upper.Backing[0].Path;
        var running = vm.Vm?.Definition.Disks.FirstOrDefault(known => known.Slot == disk.Slot) is { } known ? DiskChain.Of(known) : [];
        if (vm.Vm is null || running.All(file => file.Path != lower))
        {
            Report(0);
            await offline.MergeAsync(operation.Id, disk.Spec.Name, upper, Report, cancellationToken);
            await CommitAsync(vm, disk, merge);
            return true;
        }

        if (running.All(file => file.Path != upper.Path))
        {
            // On record the guest writes to the upper layer, and QEMU never came to use it: it is empty.
            await CommitAsync(vm, disk, merge);
            return true;
        }

        if (vm.Status.State != VmState.Running)
        {
            operation.Log($"Disk {disk.Spec.Name}: its layers are merged once the guest runs or is stopped.");
            return false;
        }

        string job = $"j-{operation.Id}-{disk.Slot}";
        await vm.Vm.MergeLayerAsync(job, disk.Slot, upper.Path, Report, cancellationToken);
        bool isWritten = disk.Layers.Active == merge.Upper;
        if (isWritten) await vm.Vm.PauseAsync(CancellationToken.None);
        try
        {
            await vm.Vm.FinishMergeAsync(job, disk.Slot, upper.Path, CancellationToken.None);
            await CommitAsync(vm, disk, merge);
        }
        finally
        {
            if (isWritten) await JobFailures.GoOnAsync(vm, vm.Vm, wasRunning: true);
        }

        return true;
    }

    private static Task CommitAsync(BorrowedVm vm, JobDisk disk, LayerStep step) =>
        vm.CommitAsync("disk.layers", status => status, change => change.Put(Keys.Disks.Status, disk.Id, LayerPlan.Apply(disk.Status, step)));
}
