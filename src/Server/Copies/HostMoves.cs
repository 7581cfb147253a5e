using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Events;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Copies;

/// <summary>
/// Moves disks to another pool: a copy first, then one commit that says where the disk lies, then the old files go. Whichever moment the daemon dies at,
/// the record names files that are whole; begun again, the work goes on from the record. A disk that a guest is using is <see cref="LiveMove"/>'s.
/// </summary>
internal sealed class HostMoves(CopyParts parts, DiskCopier copier)
{
    private readonly LiveMove _live = new(parts);

    public void Register(OperationExecutor executor) => executor.Register(DiskMoves.Kind, MoveAsync, cancellable: true, AfterRestart.Resume);

    /// <summary>A VM's own files stay where they are when its first disk, beside which they lie, goes.</summary>
    public static void KeepHome(StoreChange change, CacheSnapshot snapshot, DiskSpec disk)
    {
        if (disk.Vm is { } vmId && snapshot.Get(Keys.Vms.Spec, vmId) is { Record.HomePool: null } vm)
            change.Update(Keys.Vms.Spec, vm.Id, vm.Record with { HomePool = VmHome.PoolOf(snapshot, vm.Record) }, vm.ModRevision);
    }

    public static CachedRecord<DiskSpec> Find(CacheSnapshot snapshot, OperationRun run) => snapshot.Get(Keys.Disks.Spec, run.Request.Target.Id)
        ?? throw new ProblemException(ProblemKind.NotFound, "disk.notFound", $"Disk {run.Request.Target.Name} is gone.");

    private async Task MoveAsync(OperationRun run, CancellationToken cancellation)
    {
        string from = (string?)run.Request.Parameters?[DiskMoves.FromParameter] ?? "";
        string to = (string?)run.Request.Parameters?[DiskMoves.ToParameter] ?? "";
        try
        {
            while (!IsMoved(run, to)) await TakeAsync(run, to, cancellation);
        }
        catch (ProblemException) when (IsVmGoing(run))
        {
            // What a VM that is being deleted leaves in this pool nobody else knows of, unless the disk is there by its record.
            if (parts.Cache.Snapshot.Get(Keys.Disks.Spec, run.Request.Target.Id)?.Record.Pool != to)
            {
                RemoveFrom(run.Request.Target.Id, to);
                throw;
            }
        }

        run.SetCancellable(false);
        var disk = Find(run);
        RemoveFrom(disk.Id, from);
        var change = new StoreChange("disk.moved.end");
        parts.Events.Add(change, new EventDraft
        {
            Kind = "disk.moved",
            Message = $"Disk {disk.Record.Name} was moved to pool {parts.Cache.Snapshot.Get(Keys.Pools.Spec, to)?.Record.Name ?? to}.",
            Target = run.Request.Target,
            Project = disk.Record.Project,
            Operation = run.Id,
        });
        await run.EndAsync(OperationOutcome.Succeeded, change, CancellationToken.None);
    }

    /// <summary>The record says so, and no VM is in this operation's hands: one that an earlier daemon had halted is let go on by its job.</summary>
    private bool IsMoved(OperationRun run, string to)
    {
        var (snapshot, disk) = (parts.Cache.Snapshot, Find(run).Record);
        return disk.Pool == to && (disk.Vm is not { } vm || snapshot.Get(Keys.Vms.Status, vm)?.Record.Job?.Operation != run.Id);
    }

    private bool IsVmGoing(OperationRun run)
    {
        var snapshot = parts.Cache.Snapshot;
        return snapshot.Get(Keys.Disks.Spec, run.Request.Target.Id)?.Record is not { } disk
            || (disk.Vm is { } vm && snapshot.Get(Keys.Vms.Spec, vm)?.Record is null or { Deleting: not null });
    }

    private async Task TakeAsync(OperationRun run, string to, CancellationToken cancellation)
    {
        if (Find(run).Record.Vm is not { } vm)
        {
            await CopyAsync(run, to, cancellation);
            return;
        }

        // A guest that runs need not wait with its shutdown until the disk has moved.
        var job = new CopyJob(run, (borrowed, token) => BorrowedAsync(run, borrowed, to, token), () => parts.Vms.TryGetRunning(vm) is not null);
        await parts.Vms.RunJobAsync(vm, job, cancellation);
    }

    private Task BorrowedAsync(OperationRun run, BorrowedVm vm, string to, CancellationToken cancellation)
    {
        var attached = vm.Spec.Disks.FirstOrDefault(disk => disk.Disk == run.Request.Target.Id);
        var known = vm.Vm?.Definition.Disks.FirstOrDefault(disk => disk.Slot == attached?.Slot);
        // One that waits for the next start to be plugged in is open nowhere.
        if (vm.Vm is not { } running || (attached is not null && known is null)) return CopyAsync(run, to, cancellation);
        return attached is not null
            ? _live.RunAsync(run, vm, running, to, cancellation)
            : throw ProblemException.Conflict("disk.busy", $"VM '{vm.Spec.Name}' is giving disk {run.Request.Target.Name} back.", "Ask again once it has.");
    }

    private async Task CopyAsync(OperationRun run, string to, CancellationToken cancellation)
    {
        var disk = Find(run);
        if (disk.Record.Pool == to) return;
        var pool = parts.Pools.PathsOf(to);
        using var use = await parts.Pools.Temporaries.UseAsync(pool.Temporary(run.Id), cancellation);
        using var pass = await parts.Disks.Gate.ReadAsync([disk.Id, .. disk.Record.Base is { } below ? new[] { below.Disk } : []], cancellation);
        if (MoveRules.Refuse(parts.Cache.Snapshot, disk, to) is { } refusal) throw refusal;
        var target = MoveRules.Moved(disk.Record, to);
        DiskCopy[] copies = [new DiskCopy(disk.Id, disk.Record, parts.Disks.LayersOf(disk.Id).Active, disk.Id, target) { WholeTree = true }];
        try
        {
            var statuses = await copier.CopyAsync(run, copies, cancellation);
            cancellation.ThrowIfCancellationRequested();
            run.SetCancellable(false);
            copier.Place(run.Id, copies);
            await CommitAsync(run, disk, target, statuses[0]);
        }
        finally
        {
            copier.End(run.Id, copies);
        }
    }

    /// <summary>From here on the disk lies in the other pool. Where its VM's own files are is written down, so that they stay where they are.</summary>
    private async Task CommitAsync(OperationRun run, CachedRecord<DiskSpec> disk, DiskSpec target, DiskStatus status)
    {
        var snapshot = parts.Cache.Snapshot;
        var change = new StoreChange("disk.moved")
            .Update(Keys.Disks.Spec, disk.Id, target, disk.ModRevision)
            .Put(Keys.Disks.Status, disk.Id, status)
            .RequireExists(Keys.Pools.Spec[target.Pool]);
        KeepHome(change, snapshot, disk.Record);
        var result = await change.CommitAsync(parts.Store, parts.Time, CancellationToken.None);
        if (!result.Succeeded)
        {
            RemoveFrom(disk.Id, target.Pool);
            throw ProblemException.Conflict("disk.overtaken", $"Disk {disk.Record.Name} was changed while it was being copied, so it was not moved.", "Ask again.");
        }

        await parts.Cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(5));
        CrashPoints.Reached("move", "disks", "after");
    }

    private void RemoveFrom(string diskId, string pool)
    {
        using var root = RootedDirectory.Open(parts.Pools.PathsOf(pool).Root);
        root.DeleteDirectory(Path.Join("disks", diskId));
    }

    private CachedRecord<DiskSpec> Find(OperationRun run) => Find(parts.Cache.Snapshot, run);
}
