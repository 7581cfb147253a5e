using Lamina.Api;
using Lamina.Engine.Qmp;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Snapshots;

/// <summary>
/// Suspends a VM to disk: its memory goes to a file, one commit says <c>suspended</c> with that file, then its process ends. Before that commit an
/// interrupted one is undone; after it, completed.
/// </summary>
internal sealed class SuspendJob(SnapshotGround ground, OperationRun operation) : IVmJob
{
    public VmJobKind Kind => VmJobKind.Suspend;

    public OperationRun Operation => operation;

    public bool YieldsToOrders => false;

    private string Folder => SnapshotFiles.SuspendPrefix + operation.Id;

    public async Task<VmJobEnd> RunAsync(BorrowedVm vm, CancellationToken cancellationToken)
    {
        var files = ground.FilesOf(vm, Folder);
        if (vm.Status.Memory?.Folder == Folder)
        {
            await vm.EndProcessAsync();
            return End(vm);
        }

        if (operation.IsResumed)
        {
            await UndoAsync(vm, files);
            throw JobFailures.Interrupted(vm.Spec.Name, "suspension");
        }

        if (vm.Vm is not { } running || vm.Status.State is not (VmState.Running or VmState.Paused))
            throw ProblemException.Conflict("vm.notRunning", $"VM '{vm.Spec.Name}' is not running, so it cannot be suspended.", $"Start it first: lamina vm start {vm.Spec.Name}.");
        if (ground.Pools.TryReserve(ground.HomePoolOf(vm.Spec), operation.Id, "the memory", JobFailures.MemoryRoomBytes(running.Definition)) is { } full)
            throw new ProblemException(ProblemKind.NoSpace, full.Code, full.Message, full.Remedy);
        try
        {
            files.Make();
            files.WriteDefinition(running.Definition);
            using (var memory = files.CreateMemory())
            await using (EarlyWriting.Begin(memory, ground.Time))
                await running.SaveMemoryAsync(memory, percent => operation.Report(percent, "writing the memory"), cancellationToken);
            files.Flush();
        }
        catch (Exception)
        {
            await UndoAsync(vm, files);
            throw;
        }
        finally
        {
            ground.Pools.Release(operation.Id);
        }

        var image = new VmMemoryImage { Folder = Folder, SizeBytes = new FileInfo(files.MemoryPath).Length, SavedAt = ground.Time.GetUtcNow() };
        await vm.CommitAsync("vm.suspended", status => VmRestart.Suspended(status with { Memory = image, Failure = null }));
        await vm.EndProcessAsync();
        return End(vm);
    }

    private static VmJobEnd End(BorrowedVm vm) => new() { News = new VmNews(EventSeverity.Information, "vm.suspended", $"VM '{vm.Spec.Name}' is suspended.") };

    private async Task UndoAsync(BorrowedVm vm, SnapshotFiles files)
    {
        if (vm.Vm is { } running)
        {
            using var deadline = new CancellationTokenSource(JobFailures.UndoPatience, ground.Time);
            try
            {
                await running.AbandonMemoryAsync(deadline.Token);
                await JobFailures.GoOnAsync(vm, running, vm.Status.State == VmState.Running);
            }
            catch (Exception gone) when (gone is QmpClosedException or QmpErrorException or QmpProtocolException or OperationCanceledException)
            {
                // Gone or silent: the plan sees to what is left.
            }
        }

        files.Delete();
    }
}
