using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Operations;
using Lamina.Server.Snapshots;
using Lamina.Server.Store;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Copies;

/// <summary>
/// Moves a disk that a guest is using. It is mirrored into one new file in the other pool; once both hold the same the guest is halted, switched over, and
/// goes on when the record says so: until that commit the old files are what counts, from then on the new one, and while they could differ the guest
/// stands still. So whichever moment the daemon, QEMU or the host dies at, the record names a file that holds all that the guest has written.
/// </summary>
internal sealed class LiveMove(CopyParts parts)
{
    private const int MostAttempts = 20;
    private const string SwitchStep = "switch";
    private static readonly TimeSpan StorePause = TimeSpan.FromSeconds(1);

    /// <summary>With the little that is left when both sides hold the same; a guest that stands still for longer is let go on as it was.</summary>
    private static readonly TimeSpan SwitchPatience = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Ends with the disk in the other pool; or, because an order to the VM came first or QEMU has ended or is silent, with the disk wherever the record then
    /// says: the work is then to be begun anew, and goes on from what is found.
    /// </summary>
    public async Task RunAsync(OperationRun run, BorrowedVm vm, IVm running, string to, CancellationToken cancellation)
    {
        var mirror = MirrorOf(run, vm, to);
        try
        {
            if (!IsRecorded(run, to)) await MoveAsync(run, vm, running, mirror, to, cancellation);
        }
        catch (Exception failure)
        {
            var settled = await SettleAsync(run, vm, running, mirror, to);
            if (settled == Settled.Undone && !BeginsAnew(failure, run, vm)) throw Explain(failure, run);
            if (settled == Settled.Unknown && run.Cancelled.IsCancellationRequested) throw;
            if (settled != Settled.Moved)
            {
                run.Log("The VM ended, or an order to it came first: the move begins anew.");
                return;
            }
        }

        await GoOnAsync(run, vm, running, mirror);
    }

    /// <summary>What is copied at most: what the files of the chain take.</summary>
    internal static long DataBytes(IEnumerable<long> allocatedBytes, long sizeBytes) => Math.Min(allocatedBytes.Sum(), sizeBytes);

    private async Task MoveAsync(OperationRun run, BorrowedVm vm, IVm running, DiskMirror mirror, string to, CancellationToken cancellation)
    {
        // Nobody reads layers that are about to go.
        using var pass = await parts.Disks.Gate.ChangeAsync([run.Request.Target.Id], cancellation);
        var disk = Find(run);
        if ((MoveRules.Refuse(parts.Cache.Snapshot, disk, to) ?? MoveRules.RefuseRunning(parts.Cache.Snapshot, disk)) is { } refusal) throw refusal;
        var phase = await running.FindMirrorAsync(mirror, cancellation);
        if (phase == MirrorPhase.None || (phase == MirrorPhase.UnderWay && !File.Exists(mirror.Path)))
        {
            await running.CloseMirrorAsync(mirror, cancellation);
            parts.Disks.MakeEmpty(disk.Id, MoveRules.Moved(disk.Record, to) with { SizeBytes = DiskGrowth.SizeOf(parts.Disks.PathsOf(disk.Id, disk.Record).Chain[0]) });
            CrashPoints.Reached("move", "file", "after");
        }

        await MirrorAsync(run, running, mirror, disk, to, cancellation);
        // A store that is away is noticed before the guest is halted for it.
        if (!run.HasBegun(SwitchStep)) await run.StepAsync(SwitchStep, cancellation);
        cancellation.ThrowIfCancellationRequested();
        run.SetCancellable(false);
        if (WasRunning(vm)) await running.PauseAsync(CancellationToken.None);
        using var patience = new CancellationTokenSource(SwitchPatience, parts.Time);
        await running.FinishMirrorAsync(mirror, patience.Token);
        await CommitAsync(run, vm, to);
    }

    private async Task MirrorAsync(OperationRun run, IVm running, DiskMirror mirror, CachedRecord<DiskSpec> disk, string to, CancellationToken cancellation)
    {
        string owner = DiskCopier.OwnerOf(run.Id, to);
        string what = $"disk {disk.Record.Name}";
        long data = DataBytes(parts.Disks.PathsOf(disk.Id, disk.Record).Chain.Select(file => AllocatedBytes(file.Path)), disk.Record.SizeBytes);
        if (parts.Pools.TryReserve(to, owner, what, data) is { } full) throw Pools.HostPools.ProblemOf(full);
        try
        {
            await running.MirrorDiskAsync(mirror, percent =>
            {
                parts.Pools.Keep(owner, data / 100 * (100 - percent));
                run.Report(percent, $"copying {what} while its VM runs");
            }, cancellation);
        }
        finally
        {
            parts.Pools.Release(owner);
        }
    }

    /// <summary>After a failure or a wish to end it: as before where the guest still has its old files, and else to the end, since there is no way back.</summary>
    private async Task<Settled> SettleAsync(OperationRun run, BorrowedVm vm, IVm running, DiskMirror mirror, string to)
    {
        if (IsRecorded(run, to)) return Settled.Moved;
        using var deadline = new CancellationTokenSource(JobFailures.UndoPatience, parts.Time);
        try
        {
            if (await running.CloseMirrorAsync(mirror, deadline.Token) == MirrorPhase.Switched)
            {
                await CommitAsync(run, vm, to);
                return Settled.Moved;
            }

            await JobFailures.GoOnAsync(vm, running, WasRunning(vm));
        }
        catch (QmpClosedException)
        {
            // Ended or silent. The new file stays: what is not known may be using it, or be on record.
            return Settled.Unknown;
        }

        parts.Disks.Delete(run.Request.Target.Id, Find(run).Record with { Pool = to });
        return Settled.Undone;
    }

    private enum Settled
    {
        Moved,
        Undone,
        Unknown,
    }

    /// <summary>From here on the disk lies in the other pool. The guest stands still, so this is tried until it is known.</summary>
    private async Task CommitAsync(OperationRun run, BorrowedVm vm, string to)
    {
        CrashPoints.Reached("move", "switched", "after");
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await vm.CommitAsync("disk.moved", status => status, change => Write(change, Find(run), to));
                CrashPoints.Reached("move", "disks", "after");
                return;
            }
            catch (ProblemException) when (attempt < MostAttempts)
            {
                // A record was changed meanwhile, a name for instance: again, on what it says now.
            }
            catch (StoreUnavailableException) when (!vm.Ending())
            {
                await Task.Delay(StorePause, parts.Time);
            }
        }
    }

    private void Write(StoreChange change, CachedRecord<DiskSpec> disk, string to)
    {
        var snapshot = parts.Cache.Snapshot;
        var moved = MoveRules.Moved(disk.Record, to);
        var known = snapshot.Get(Keys.Disks.Status, disk.Id)!.Record;
        change.Update(Keys.Disks.Spec, disk.Id, moved, disk.ModRevision)
            .Put(Keys.Disks.Status, disk.Id, MoveRules.Merged(known) with { AllocatedBytes = AllocatedBytes(PathOf(disk, to)) });
        HostMoves.KeepHome(change, snapshot, disk.Record);
    }

    /// <summary>The disk has moved, whatever becomes of the guest: what is not closed now goes with its process.</summary>
    private async Task GoOnAsync(OperationRun run, BorrowedVm vm, IVm running, DiskMirror mirror)
    {
        using var deadline = new CancellationTokenSource(JobFailures.UndoPatience, parts.Time);
        try
        {
            await JobFailures.GoOnAsync(vm, running, WasRunning(vm));
            await running.CloseMirrorAsync(mirror, deadline.Token);
        }
        catch (Exception failure) when (failure is QmpClosedException or QmpErrorException or OperationCanceledException)
        {
            run.Log($"QEMU holds the old files open until the VM stops: {failure.Message}");
        }
    }

    private DiskMirror MirrorOf(OperationRun run, BorrowedVm vm, string to)
    {
        var disk = Find(run);
        int slot = vm.Spec.Disks.First(attached => attached.Disk == disk.Id).Slot;
        return new DiskMirror($"m-{run.Id}", slot, PathOf(disk, to), VmDefinitions.FormatOf(disk.Record.Format));
    }

    private string PathOf(CachedRecord<DiskSpec> disk, string pool) => parts.Pools.PathsOf(pool).Disk(disk.Id, disk.Record.Format);

    private bool IsRecorded(OperationRun run, string to) => Find(run).Record.Pool == to;

    private static bool WasRunning(BorrowedVm vm) => vm.Status.State == VmState.Running;

    private static bool BeginsAnew(Exception failure, OperationRun run, BorrowedVm vm) =>
        failure is QmpClosedException || (failure is OperationCanceledException && vm.Overruled.IsCancellationRequested && !run.Cancelled.IsCancellationRequested);

    private static Exception Explain(Exception failure, OperationRun run) => failure is not QmpErrorException ? failure : new ProblemException(
        ProblemKind.Unprocessable, "disk.notMoved", $"Disk {run.Request.Target.Name} could not be copied: {failure.Message}. The guest goes on where the disk was.",
        "See whether the pool has room and can be written: lamina pool list.", failure);

    private static long AllocatedBytes(string path)
    {
        using var file = File.OpenHandle(path);
        return FileFacts.Read(file).AllocatedBytes;
    }

    private CachedRecord<DiskSpec> Find(OperationRun run) => HostMoves.Find(parts.Cache.Snapshot, run);
}
