using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Lamina.Server.Store;
using Lamina.Server.Vms;

namespace Lamina.Server.Snapshots;

/// <summary>
/// What a crash, a restore or a resume left of VMs that are (decision 18): files of layers that no record names, folders of snapshots and memories that
/// are no more; and layers that nobody needs are merged by an operation of their own.
/// </summary>
internal sealed class SnapshotSweep(IStore store, SnapshotGround ground, OperationRequests operations)
{
    public async Task<SweepReport> SweepAsync(CancellationToken cancellation)
    {
        var removed = new List<string>();
        foreach (var vm in ground.Cache.Snapshot.All(Keys.Vms.Spec).Where(vm => IsHere(vm.Id) && !IsBusy(ground.Cache.Snapshot, vm)))
        {
            // What lies there is read first, and a job that begins meanwhile is seen by the second look.
            var folders = LeftFolders(vm).ToList();
            if (!IsHere(vm.Id) || IsBusy(ground.Cache.Snapshot, vm)) continue;
            foreach (string folder in folders)
            {
                Directory.Delete(folder, recursive: true);
                removed.Add($"memory or snapshot {folder} of VM {vm.Record.Name}");
            }

            foreach (var disk in vm.Record.Disks)
            {
                if (ground.Cache.Snapshot.Get(Keys.Disks.Spec, disk.Disk) is not { } spec) continue;
                removed.AddRange(ground.Disks.DeleteUnnamedLayers(disk.Disk, spec.Record).Select(path => $"layer {path}"));
            }

            if (IsMergeDue(vm)) await BeginMergeAsync(vm, cancellation);
        }

        return new SweepReport { Removed = removed };
    }

    /// <summary>Removes the memories that are used up, and the layers that a restore has dropped, as soon as the records say so; until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var subscription = ground.Cache.Subscribe(Keys.Vms.Status, Keys.Disks.Status);
        await foreach (var batch in subscription.ReadAllAsync(cancellation))
        {
            foreach (var change in batch.Changes)
            {
                RemoveMemory(batch.Snapshot, change);
                RemoveLayers(batch.Snapshot, change);
            }
        }
    }

    private void RemoveMemory(CacheSnapshot snapshot, CacheChange change)
    {
        if (!change.Is(Keys.Vms.Status, out var before, out var after) || before?.Record.Memory is not { Snapshot: null } memory || after is null || after.Record.Memory is not null) return;
        if (IsHere(change.Id) && snapshot.Get(Keys.Vms.Spec, change.Id) is { } vm) ground.FilesOf(vm.Id, vm.Record, memory.Folder).Delete();
    }

    private void RemoveLayers(CacheSnapshot snapshot, CacheChange change)
    {
        if (!change.Is(Keys.Disks.Status, out var before, out var after) || before is null || after is null) return;
        if (snapshot.Get(Keys.Disks.Spec, change.Id) is { } disk && ground.Disks.IsMine(snapshot, disk.Record)) ground.Disks.DeleteDroppedLayers(disk.Id, disk.Record, before.Record, after.Record);
    }

    /// <summary>What lies in the folders of a VM is its host's, in shared pools too.</summary>
    private bool IsHere(string vm) => ground.Cache.Snapshot.Get(Keys.Vms.Assignment, vm)?.Record.Host is { } host && host == ground.Pools.HostId;

    private static bool IsBusy(CacheSnapshot snapshot, CachedRecord<VmSpec> vm)
    {
        if (vm.Record.Deleting is not null || snapshot.Get(Keys.Vms.Status, vm.Id)?.Record is not { Job: null }) return true;
        return snapshot.All(Keys.Operations.Request).Any(request => !(snapshot.Get(Keys.Operations.State, request.Id)?.Record.IsEnded() ?? false) && IsAbout(snapshot, request.Record, vm.Id));
    }

    private static bool IsAbout(CacheSnapshot snapshot, OperationRequest request, string vm) => request.Target.Id == vm
        || (request.Target.Kind == "snapshot" && ((string?)request.Parameters?["vm"] ?? snapshot.Get(Keys.Snapshots.Spec, request.Target.Id)?.Record.Vm) == vm);

    private IEnumerable<string> LeftFolders(CachedRecord<VmSpec> vm)
    {
        var snapshot = ground.Cache.Snapshot;
        string root = ground.Pools.PathsOf(ground.HomePoolOf(vm.Record)).VmFolder(vm.Id);
        if (!Directory.Exists(root)) yield break;
        string? memory = snapshot.Get(Keys.Vms.Status, vm.Id)?.Record.Memory?.Folder;
        foreach (string folder in Directory.EnumerateDirectories(root, SnapshotFiles.SuspendPrefix + "*"))
        {
            if (Path.GetFileName(folder) != memory) yield return folder;
        }

        string snapshots = Path.Join(root, SnapshotFiles.Snapshots);
        if (!Directory.Exists(snapshots)) yield break;
        foreach (string folder in Directory.EnumerateDirectories(snapshots))
        {
            if (snapshot.Get(Keys.Snapshots.Spec, Path.GetFileName(folder)) is null) yield return folder;
        }
    }

    private bool IsMergeDue(CachedRecord<VmSpec> vm)
    {
        var snapshot = ground.Cache.Snapshot;
        if (snapshot.Get(Keys.Vms.Status, vm.Id)?.Record is not { State: VmState.Running or VmState.Stopped, Failure: null }) return false;
        return vm.Record.Disks.Any(disk => snapshot.Get(Keys.Disks.Status, disk.Disk)?.Record is { State: ContentState.Ready } status
            && LayerPlan.Next(new Disks.DiskLayers(status), LayerUse.OfSnapshots(snapshot, disk.Disk), LayerUse.OfClones(snapshot, disk.Disk)) is not null);
    }

    private async Task BeginMergeAsync(CachedRecord<VmSpec> vm, CancellationToken cancellation)
    {
        var change = new StoreChange(HostSnapshots.Merge).Require(Keys.Vms.Spec[vm.Id], vm.ModRevision);
        operations.Add(change, new OperationDraft
        {
            Kind = HostSnapshots.Merge,
            Target = VmViews.ReferenceTo(vm),
            Project = vm.Record.Project,
            RequestedBy = "system",
            Host = ground.Cache.Snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host,
        });
        await change.CommitAsync(store, ground.Time, cancellation); // overtaken: the next round sees the newer state
    }
}
