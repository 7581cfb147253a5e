using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Snapshots;

/// <summary>
/// Makes a VM what it was: every disk gets a new layer on the snapshot's, NVRAM and TPM are copied back, and one commit says so. What the VM was since
/// is dropped where no snapshot hangs on it. Everything before that commit is safe to repeat, and is repeated after a crash.
/// </summary>
/// <param name="start">The operation also waits for the VM to run.</param>
internal sealed class RestoreJob(SnapshotGround ground, OperationRun operation, string id, SnapshotSpec spec, SnapshotStatus status, bool start) : IVmJob
{
    private const string Record = "restore";

    public VmJobKind Kind => VmJobKind.Restore;

    public OperationRun Operation => operation;

    public bool YieldsToOrders => false;

    private bool Starts => start || status.Memory is not null;

    public async Task<VmJobEnd> RunAsync(BorrowedVm vm, CancellationToken cancellationToken)
    {
        var disks = ground.DisksOf(vm.Spec);
        if (!operation.HasBegun(Record))
        {
            SnapshotRules.RequireSameDisks(vm.Spec, spec, status);
            foreach (var disk in disks) ground.Disks.PathsOf(disk.Id, disk.Spec, LayerOf(disk));
            cancellationToken.ThrowIfCancellationRequested();
            // From here on it is done to its end, also by the next daemon: half a restore is no state of the VM.
            await operation.StepAsync(Record, CancellationToken.None);
            operation.SetCancellable(false);
        }

        await vm.EndAsync();
        foreach (var disk in disks) ground.Disks.MakeLayer(disk.Id, disk.Spec, LayerOf(disk), operation.Id);
        ground.FilesOf(vm, status.Folder).Restore(status.Nvram, status.Tpm);
        return new VmJobEnd
        {
            Status = now => Restored(now),
            Records = change => Put(change, disks),
            News = new VmNews(EventSeverity.Information, "snapshot.restored", $"VM '{vm.Spec.Name}' is what it was at snapshot '{spec.Name}'."),
            Outcome = Starts ? null : OperationOutcome.Succeeded,
        };
    }

    private VmStatus Restored(VmStatus now) => VmRestart.Suspended(now) with
    {
        State = status.Memory is null ? VmState.Stopped : VmState.Suspended,
        StopCause = status.Memory is null ? StopCause.Request : null,
        Memory = status.Memory,
        Snapshot = id,
        StartDue = Starts ? operation.Id : null,
        Crashes = 0,
        Failure = null,
    };

    private void Put(StoreChange change, IReadOnlyList<JobDisk> disks)
    {
        var snapshot = ground.Cache.Snapshot;
        foreach (var disk in disks)
        {
            var put = LayerPlan.Put(disk.Status, LayerOf(disk), operation.Id) with { SizeBytes = null };
            var pruned = LayerPlan.Prune(put, LayerUse.OfSnapshots(snapshot, disk.Id), LayerUse.OfClones(snapshot, disk.Id));
            long size = DiskGrowth.SizeOf(new DiskFilePath(ground.LayerOf(disk, operation.Id).Path, DiskFormat.Qcow2));
            change.Put(Keys.Disks.Status, disk.Id, pruned with { SizeBytes = size });
        }
    }

    private string LayerOf(JobDisk disk) => status.Disks.First(layer => layer.Disk == disk.Id).Layer;
}
