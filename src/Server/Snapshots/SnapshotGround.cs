using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Images;
using Lamina.Server.Pools;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Snapshots;

/// <summary>A disk in the hands of a job.</summary>
internal sealed record JobDisk(int Slot, string Id, DiskSpec Spec, DiskStatus Status)
{
    public DiskLayers Layers => new(Status);
}

/// <summary>What the jobs of this room stand on.</summary>
internal sealed class SnapshotGround(Cache cache, HostPools pools, HostDisks disks, WorkerUsers users, TimeProvider time)
{
    public Cache Cache { get; } = cache;

    public HostPools Pools { get; } = pools;

    public HostDisks Disks { get; } = disks;

    public WorkerUsers Users { get; } = users;

    public TimeProvider Time { get; } = time;

    public SnapshotFiles FilesOf(BorrowedVm vm, string folder) => FilesOf(vm.Id, vm.Spec, folder);

    public SnapshotFiles FilesOf(string vmId, VmSpec spec, string folder) => new(Pools.PathsOf(VmHome.PoolOn(Cache.Snapshot, spec, Pools.HostId)), vmId, folder);

    public string HomePoolOf(VmSpec spec) => VmHome.PoolOn(Cache.Snapshot, spec, Pools.HostId);

    /// <summary>The VM's disks with their newest records.</summary>
    /// <exception cref="ProblemException">A disk is not made yet.</exception>
    public IReadOnlyList<JobDisk> DisksOf(VmSpec spec)
    {
        var snapshot = Cache.Snapshot;
        return [.. spec.Disks.Select(disk =>
        {
            if (snapshot.Get(Keys.Disks.Spec, disk.Disk) is not { } record || snapshot.Get(Keys.Disks.Status, disk.Disk) is not { Record.State: ContentState.Ready } status)
                throw ProblemException.Conflict("disk.notReady", $"Disk {disk.Disk} of VM '{spec.Name}' is not made yet.", "Start the VM once, or wait for its creation.");
            return new JobDisk(disk.Slot, disk.Disk, record.Record, status.Record);
        })];
    }

    public NewLayer LayerOf(JobDisk disk, string layer) => new(disk.Slot, Pools.PathsOf(disk.Spec.Pool).DiskLayer(disk.Id, layer));
}
