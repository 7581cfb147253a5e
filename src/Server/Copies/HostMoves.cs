using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Events;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Copies;

/// <summary>
/// Moves disks that no process has open to another pool: a copy first, then one commit that says where the disk lies, then the old files go. Whichever
/// moment the daemon dies at, the record names files that are whole; begun again, the work goes on from the record.
/// </summary>
internal sealed class HostMoves(CopyParts parts, DiskCopier copier)
{
    public const string Move = "disk.move";

    /// <summary>Members of the parameters: ids of pools.</summary>
    public const string FromParameter = "from";
    public const string ToParameter = "to";

    public void Register(OperationExecutor executor) => executor.Register(Move, MoveAsync, cancellable: true, AfterRestart.Resume);

    private async Task MoveAsync(OperationRun run, CancellationToken cancellation)
    {
        string from = (string?)run.Request.Parameters?[FromParameter] ?? "";
        string to = (string?)run.Request.Parameters?[ToParameter] ?? "";
        var disk = Find(run);
        if (disk.Record.Pool != to)
        {
            if (disk.Record.Vm is { } vm) await parts.Vms.RunJobAsync(vm, new CopyJob(run, (borrowed, token) => AtRestAsync(run, borrowed, to, token)), cancellation);
            else await CopyAsync(run, to, cancellation);
        }

        run.SetCancellable(false);
        RemoveOld(disk.Id, from);
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

    private Task AtRestAsync(OperationRun run, BorrowedVm vm, string to, CancellationToken cancellation) => vm.Vm is null
        ? CopyAsync(run, to, cancellation)
        : throw ProblemException.Conflict("vm.running", $"VM '{vm.Spec.Name}' runs with the disk.", $"Shut it down first: lamina vm shutdown {vm.Spec.Name}.");

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
        if (disk.Record.Vm is { } vmId && snapshot.Get(Keys.Vms.Spec, vmId) is { Record.HomePool: null } vm)
            change.Update(Keys.Vms.Spec, vm.Id, vm.Record with { HomePool = VmHome.PoolOf(snapshot, vm.Record) }, vm.ModRevision);
        var result = await change.CommitAsync(parts.Store, parts.Time, CancellationToken.None);
        if (!result.Succeeded)
        {
            RemoveOld(disk.Id, target.Pool);
            throw ProblemException.Conflict("disk.overtaken", $"Disk {disk.Record.Name} was changed while it was being copied, so it was not moved.", "Ask again.");
        }

        await parts.Cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(5));
        CrashPoints.Reached("move", "disks", "after");
    }

    private void RemoveOld(string diskId, string pool)
    {
        using var root = RootedDirectory.Open(parts.Pools.PathsOf(pool).Root);
        root.DeleteDirectory(Path.Join("disks", diskId));
    }

    private CachedRecord<DiskSpec> Find(OperationRun run) => parts.Cache.Snapshot.Get(Keys.Disks.Spec, run.Request.Target.Id)
        ?? throw new ProblemException(ProblemKind.NotFound, "disk.notFound", $"Disk {run.Request.Target.Name} is gone.");
}
