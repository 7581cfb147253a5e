using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Lamina.Server.Store;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Snapshots;

/// <summary>
/// Takes a snapshot. Every disk gets a new, empty layer on top, and what was written before is frozen. The record names the new layers before the guest
/// uses them: an empty layer reads as what is below it, so whichever moment the daemon or QEMU dies at, the chain on record holds all that the guest
/// has written. What is left of an interrupted one is undone where QEMU does not use it, and else merged later.
/// </summary>
internal sealed class SnapshotJob(SnapshotGround ground, OperationRun operation, string id, SnapshotSpec spec) : IVmJob
{
    private IReadOnlyList<NewLayer> _layers = [];

    public VmJobKind Kind => VmJobKind.Snapshot;

    public OperationRun Operation => operation;

    public bool YieldsToOrders => false;

    private string Folder => $"{SnapshotFiles.Snapshots}/{id}";

    public async Task<VmJobEnd> RunAsync(BorrowedVm vm, CancellationToken cancellationToken)
    {
        var disks = ground.DisksOf(vm.Spec);
        var files = ground.FilesOf(vm, Folder);
        _layers = [.. disks.Select(disk => ground.LayerOf(disk, operation.Id))];
        if (operation.IsResumed)
        {
            await UndoAsync(vm, disks, files);
            throw JobFailures.Interrupted(vm.Spec.Name, "snapshot");
        }

        try
        {
            Check(vm, disks);
            var end = await TakeAsync(vm, disks, files, cancellationToken);
            return end;
        }
        catch (Exception)
        {
            await UndoAsync(vm, disks, files);
            throw;
        }
        finally
        {
            ground.Pools.Release(operation.Id);
        }
    }

    private void Check(BorrowedVm vm, IReadOnlyList<JobDisk> disks)
    {
        if (vm.Status.State == VmState.Suspended) throw VmSuspended(vm.Spec.Name);
        if (spec.WithMemory && vm.Vm is null)
            throw ProblemException.Conflict("snapshot.noMemory", $"VM '{vm.Spec.Name}' does not run, so it has no memory to keep.", "Start it first, or leave --with-memory out.");
        foreach (var disk in disks.Where(disk => disk.Layers.ChainOf(disk.Layers.Active).Count >= LayerPlan.LongestChain))
            throw ProblemException.Conflict(
                "snapshot.tooDeep", $"Disk {disk.Spec.Name} stands on {LayerPlan.LongestChain} layers already, and each more makes reading slower.",
                $"Delete a snapshot that is not needed: lamina vm snapshot list {vm.Spec.Name}.");
        long bytes = PoolAccounting.ThinDiskBytes + (spec.WithMemory ? JobFailures.MemoryRoomBytes(vm.Vm!.Definition) : 0);
        if (ground.Pools.TryReserve(ground.HomePoolOf(vm.Spec), operation.Id, $"snapshot {spec.Name}", bytes) is { } full)
            throw new ProblemException(ProblemKind.NoSpace, full.Code, full.Message, full.Remedy);
    }

    private async Task<VmJobEnd> TakeAsync(BorrowedVm vm, IReadOnlyList<JobDisk> disks, SnapshotFiles files, CancellationToken cancellationToken)
    {
        files.Make();
        foreach (var disk in disks) ground.Disks.MakeLayer(disk.Id, disk.Spec, disk.Layers.Active, operation.Id);
        bool quiesced = false;
        (bool Nvram, bool Tpm) kept;
        if (vm.Vm is { } running)
        {
            await running.AddLayersAsync(_layers, cancellationToken);
            await vm.CommitAsync("snapshot.layers", status => status, change => Put(change, disks));
            (quiesced, kept) = await FreezeAsync(vm, running, files, cancellationToken);
            await running.AreLayersUsedAsync(_layers, CancellationToken.None);
        }
        else kept = files.Save();

        files.Flush();
        return EndOf(vm, disks, files, kept, quiesced);
    }

    /// <summary>The instant itself. Whatever happens, the guest goes on afterwards as it stood before.</summary>
    private async Task<(bool Quiesced, (bool Nvram, bool Tpm) Kept)> FreezeAsync(BorrowedVm vm, IVm running, SnapshotFiles files, CancellationToken cancellationToken)
    {
        var (wasRunning, quiesced) = (vm.Status.State == VmState.Running, false);
        (bool Nvram, bool Tpm) kept = default;
        bool asksAgent = wasRunning && !spec.WithMemory && (spec.Quiesce == true || (spec.Quiesce is null && vm.Status.Agent is { Connected: true }));
        using var memory = spec.WithMemory ? files.CreateMemory() : null;
        await using var writing = memory is null ? null : EarlyWriting.Begin(memory, ground.Time);
        try
        {
            if (memory is not null) files.WriteDefinition(running.Definition);
            if (asksAgent) quiesced = await GuestFreeze.FreezeAsync(running, vm.Spec.Name, spec.Quiesce == true, operation, cancellationToken);
            if (memory is not null) await running.SaveMemoryAsync(memory, percent => operation.Report(percent, "writing the memory"), cancellationToken);
            else if (wasRunning && HasFirmwareState(running.Definition)) await running.PauseAsync(cancellationToken);
            if (_layers.Count > 0) await running.UseLayersAsync(_layers, cancellationToken);
            kept = files.Save();
        }
        finally
        {
            await GoOnAsync(vm, running, wasRunning);
        }

        return (quiesced, kept);
    }

    /// <summary>Its CPUs first: an agent answers only while they run.</summary>
    private async Task GoOnAsync(BorrowedVm vm, IVm running, bool wasRunning)
    {
        try
        {
            await JobFailures.GoOnAsync(vm, running, wasRunning);
        }
        finally
        {
            await GuestFreeze.ThawAsync(running, operation, ground.Time);
        }
    }

    private static bool HasFirmwareState(VmDefinition definition) => definition.Firmware.Kind == FirmwareKind.Uefi || definition.Tpm is not null;

    private VmJobEnd EndOf(BorrowedVm vm, IReadOnlyList<JobDisk> disks, SnapshotFiles files, (bool Nvram, bool Tpm) kept, bool quiesced)
    {
        var now = ground.Time.GetUtcNow();
        var status = new SnapshotStatus
        {
            State = ContentState.Ready,
            TakenAt = now,
            Parent = vm.Status.Snapshot,
            Disks = [.. disks.Select(disk => new SnapshotDisk { Slot = disk.Slot, Disk = disk.Id, Layer = disk.Layers.Active })],
            Memory = spec.WithMemory ? new VmMemoryImage { Folder = Folder, Snapshot = id, SavedAt = now, SizeBytes = new FileInfo(files.MemoryPath).Length } : null,
            Quiesced = quiesced,
            Folder = Folder,
            Nvram = kept.Nvram,
            Tpm = kept.Tpm,
        };
        return new VmJobEnd
        {
            Status = vmStatus => vmStatus with { Snapshot = id },
            Records = change => Put(change, disks).Put(Keys.Snapshots.Status, id, status),
            News = new VmNews(EventSeverity.Information, "snapshot.created", $"Snapshot '{spec.Name}' of VM '{vm.Spec.Name}' was taken."),
        };
    }

    private StoreChange Put(StoreChange change, IReadOnlyList<JobDisk> disks)
    {
        foreach (var disk in disks) change.Put(Keys.Disks.Status, disk.Id, LayerPlan.Put(disk.Status, disk.Layers.Active, operation.Id));
        return change;
    }

    /// <summary>Layers that are not in use go; those in use stay on record and are merged later, since the guest writes to them.</summary>
    private async Task UndoAsync(BorrowedVm vm, IReadOnlyList<JobDisk> disks, SnapshotFiles files)
    {
        if (vm.Vm is { } running)
        {
            using var deadline = new CancellationTokenSource(JobFailures.UndoPatience, ground.Time);
            try
            {
                bool used;
                try
                {
                    await running.AbandonMemoryAsync(deadline.Token);
                    used = await running.AreLayersUsedAsync(_layers, deadline.Token);
                    if (!used) await running.DropLayersAsync(_layers, deadline.Token);
                }
                finally
                {
                    await GoOnAsync(vm, running, vm.Status.State == VmState.Running);
                }

                if (!used) await vm.CommitAsync("snapshot.undone", status => status, change => TakeBack(change, disks));
            }
            catch (Exception gone) when (gone is QmpClosedException or QmpErrorException or QmpProtocolException or OperationCanceledException or StoreUnavailableException)
            {
                // QEMU is gone or silent, or the store is away: the chain on record is right whether or not QEMU had come to use the layers.
            }
        }

        files.Delete();
    }

    /// <summary>As the disks were, with what else has become of their records since.</summary>
    private void TakeBack(StoreChange change, IReadOnlyList<JobDisk> disks)
    {
        foreach (var disk in disks)
        {
            if (ground.Cache.Snapshot.Get(Keys.Disks.Status, disk.Id)?.Record is not { } now || !new DiskLayers(now).Has(operation.Id)) continue;
            string? below = new DiskLayers(now)[operation.Id].Parent;
            change.Put(Keys.Disks.Status, disk.Id, LayerPlan.Apply(now with { Active = below }, new LayerStep.Drop(operation.Id)));
        }
    }

    private static ProblemException VmSuspended(string name) =>
        ProblemException.Conflict("vm.suspended", $"VM '{name}' is suspended.", $"Let it go on first: lamina vm start {name}.");
}
