using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Copies;

/// <summary>Gives the disks of a VM to read, in a state that nobody changes: a template's, a snapshot's, or those of a VM that is kept from starting.</summary>
internal sealed class CopySources(CopyParts parts)
{
    /// <summary>Runs <paramref name="work"/> while the content stays as it is.</summary>
    /// <param name="run">For whom.</param>
    /// <param name="vmId">The VM that is read.</param>
    /// <param name="snapshotId">Its snapshot; null: as it is now.</param>
    /// <param name="diskIds">The disks that are read.</param>
    /// <param name="work">Gets the layer of each disk that holds the content.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="ProblemException">The VM is gone or busy; or the work's own.</exception>
    public async Task ReadAsync(
        OperationRun run, string vmId, string? snapshotId, IReadOnlyList<string> diskIds, Func<Func<string, string>, CancellationToken, Task> work, CancellationToken cancellation)
    {
        var vm = parts.Cache.Snapshot.Get(Keys.Vms.Spec, vmId)
            ?? throw new ProblemException(ProblemKind.NotFound, "vm.notFound", "The VM that was to be read is gone.");
        if (snapshotId is not null || vm.Record.Template)
        {
            using var pass = await parts.Disks.Gate.ReadAsync(WithBases(diskIds), cancellation);
            if (snapshotId is not null) RequireSnapshot(snapshotId);
            await work(disk => LayerOf(snapshotId, disk), cancellation);
            return;
        }

        run.Report(null, $"waiting until VM '{vm.Record.Name}' is at rest");
        await parts.Vms.RunJobAsync(vmId, new CopyJob(run, async (borrowed, token) =>
        {
            if (borrowed.Vm is not null) throw ProblemException.Conflict("vm.running", $"VM '{vm.Record.Name}' runs, and its disks change all the time.", "Shut it down first, or name one of its snapshots.");
            using var pass = await parts.Disks.Gate.ReadAsync(WithBases(diskIds), token);
            await work(ActiveOf, token);
        }), cancellation);
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
