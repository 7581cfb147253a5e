using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Copies;

/// <summary>What is to be read.</summary>
/// <param name="Snapshot">Id of the snapshot; null: what the VM is now.</param>
/// <param name="LayerOf">The layer of a disk that holds its content.</param>
internal sealed record CopyPoint(string? Snapshot, Func<string, string> LayerOf);

/// <summary>Gives the disks of a VM to read, in a state that nobody changes: a template's, a snapshot's, or those of a VM that is kept from starting.</summary>
internal sealed class CopySources(CopyParts parts, CopyInstants instants)
{
    /// <summary>Runs <paramref name="work"/> while the content stays as it is. Of a running VM a snapshot is taken for that time.</summary>
    /// <param name="run">For whom.</param>
    /// <param name="vmId">The VM that is read.</param>
    /// <param name="snapshotId">Its snapshot; null: as it is now.</param>
    /// <param name="diskIds">The disks that are read.</param>
    /// <param name="work">Gets what to read.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ProblemException">The VM is gone or busy; or the work's own.</exception>
    public async Task ReadAsync(
        OperationRun run, string vmId, string? snapshotId, IReadOnlyList<string> diskIds, Func<CopyPoint, CancellationToken, Task> work, CancellationToken cancellation)
    {
        var vm = parts.Cache.Snapshot.Get(Keys.Vms.Spec, vmId)
            ?? throw new ProblemException(ProblemKind.NotFound, "vm.notFound", "The VM that was to be read is gone.");
        if (snapshotId is not null || vm.Record.Template) await FrozenAsync(snapshotId, diskIds, work, cancellation);
        else if (Runs(vmId) || !await AtRestAsync(run, vm, diskIds, work, cancellation)) await InstantAsync(run, vmId, diskIds, work, cancellation);
    }

    private bool Runs(string vmId) => parts.Cache.Snapshot.Get(Keys.Vms.Status, vmId)?.Record.State is VmState.Running or VmState.Paused;

    private async Task FrozenAsync(string? snapshotId, IReadOnlyList<string> diskIds, Func<CopyPoint, CancellationToken, Task> work, CancellationToken cancellation)
    {
        using var pass = await parts.Disks.Gate.ReadAsync(WithBases(diskIds), cancellation);
        if (snapshotId is not null) RequireSnapshot(snapshotId);
        await work(new CopyPoint(snapshotId, disk => LayerOf(snapshotId, disk)), cancellation);
    }

    /// <returns>False: it runs by now.</returns>
    private async Task<bool> AtRestAsync(
        OperationRun run, CachedRecord<VmSpec> vm, IReadOnlyList<string> diskIds, Func<CopyPoint, CancellationToken, Task> work, CancellationToken cancellation)
    {
        bool runs = false;
        run.Report(null, $"waiting until VM '{vm.Record.Name}' is at rest");
        await parts.Vms.RunJobAsync(vm.Id, new CopyJob(run, async (borrowed, token) =>
        {
            runs = borrowed.Vm is not null;
            if (runs) return;
            using var pass = await parts.Disks.Gate.ReadAsync(WithBases(diskIds), token);
            await work(new CopyPoint(null, ActiveOf), token);
        }), cancellation);
        return !runs;
    }

    private async Task InstantAsync(OperationRun run, string vmId, IReadOnlyList<string> diskIds, Func<CopyPoint, CancellationToken, Task> work, CancellationToken cancellation)
    {
        await instants.DropAllAsync(run, vmId); // of an earlier attempt
        string snapshotId = await instants.TakeAsync(run, vmId, cancellation);
        try
        {
            await FrozenAsync(snapshotId, diskIds, work, cancellation);
        }
        finally
        {
            await instants.DropAllAsync(run, vmId);
        }
    }

    /// <summary>The firmware's variables of a VM, now or at a snapshot; they need not be there.</summary>
    public string NvramOf(string vmId, PoolPaths home, string? snapshotId)
    {
        string now = home.Nvram(vmId);
        if (snapshotId is null || parts.Cache.Snapshot.Get(Keys.Snapshots.Status, snapshotId)?.Record is not { } status) return now;
        return Path.Join(home.VmFolder(vmId), status.Folder, "nvram", Path.GetFileName(now));
    }

    private void RequireSnapshot(string snapshotId)
    {
        if (parts.Cache.Snapshot.Get(Keys.Snapshots.Spec, snapshotId) is not { Record.Deleting: null } || parts.Cache.Snapshot.Get(Keys.Snapshots.Status, snapshotId) is null)
            throw new ProblemException(ProblemKind.NotFound, "snapshot.notFound", "The snapshot that was to be read is gone.", "Name another one, or none.");
    }

    private string LayerOf(string? snapshotId, string diskId) => snapshotId is null
        ? ActiveOf(diskId)
        : parts.Cache.Snapshot.Get(Keys.Snapshots.Status, snapshotId)?.Record.Disks.FirstOrDefault(disk => disk.Disk == diskId)?.Layer
            ?? throw new ProblemException(ProblemKind.Unprocessable, "snapshot.withoutDisk", "The snapshot does not hold that disk.", "Name another one, or none.");

    private string ActiveOf(string diskId) => parts.Disks.LayersOf(diskId).Active;

    /// <summary>The disks and all disks below them.</summary>
    private HashSet<string> WithBases(IReadOnlyList<string> diskIds)
    {
        var all = new HashSet<string>(StringComparer.Ordinal);
        foreach (string diskId in diskIds)
        {
            for (string? id = diskId; id is not null && all.Add(id); id = parts.Cache.Snapshot.Get(Keys.Disks.Spec, id)?.Record.Base?.Disk)
            {
            }
        }

        return all;
    }
}
