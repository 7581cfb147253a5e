using Lamina.Engine.Qmp;
using Lamina.Linux;

namespace Lamina.Engine.Qemu;

/// <summary>
/// Lets a running disk go on in another file (blockdev-mirror). The guest waits for its writes to reach both sides (<c>write-blocking</c>): so the copy
/// converges however much is written, and little is left to do when the guest is switched over.
/// </summary>
internal sealed class QemuMirror(IVm vm, QemuMonitor monitor, QemuJobs jobs, TimeProvider time)
{
    private readonly QemuBlocks _blocks = new(monitor, time);

    public async Task<MirrorPhase> FindAsync(DiskMirror mirror, CancellationToken cancellationToken)
    {
        if (await UsedNodeAsync(mirror.Slot, cancellationToken) == mirror.Node) return MirrorPhase.Switched;
        return await jobs.FindAsync(mirror.Job, cancellationToken) is null or { Error: not null } ? MirrorPhase.None : MirrorPhase.UnderWay;
    }

    /// <summary>Begins, unless it is under way; completes when both sides hold the same, and stay so.</summary>
    public async Task FollowAsync(DiskMirror mirror, Action<int> onPercent, CancellationToken cancellationToken)
    {
        if (await FindAsync(mirror, cancellationToken) == MirrorPhase.None)
        {
            var disk = DiskOf(mirror.Slot);
            var target = new BlockNode(mirror.Node, mirror.Path, mirror.Format, Below: null, disk.ReadOnly, disk.DirectIo, disk.Discard);
            await _blocks.AddAsync([target], cancellationToken);
            await jobs.BeginMirrorAsync(new BlockdevMirrorArguments { JobId = mirror.Job, Device = DiskChain.Of(disk)[0].Node!, Target = target.Role }, cancellationToken);
        }

        await jobs.FollowAsync(mirror.Job, onPercent, cancellationToken);
    }

    /// <summary>Switches the guest over, and says so in the record. What it used before stays open.</summary>
    public async Task FinishAsync(DiskMirror mirror, CancellationToken cancellationToken)
    {
        CrashPoints.Reached("qmp", "job-complete", "before");
        await jobs.CompleteAsync(mirror.Job, cancellationToken);
        if (await UsedNodeAsync(mirror.Slot, cancellationToken) != mirror.Node)
            throw new QmpErrorException("job-complete", "GenericError", $"disk{mirror.Slot} still has the file that it had");
        await vm.ReviseAsync(DiskChain.Switched(vm.Definition, mirror), cancellationToken);
    }

    /// <summary>Gives up what is under way, and closes every file of the disk that it does not use.</summary>
    public async Task<MirrorPhase> CloseAsync(DiskMirror mirror, CancellationToken cancellationToken)
    {
        await jobs.CancelAsync(mirror.Job);
        var isSwitched = await UsedNodeAsync(mirror.Slot, cancellationToken) == mirror.Node;
        // It may have been too late to give it up.
        if (isSwitched && DiskOf(mirror.Slot).Node != mirror.Node) await vm.ReviseAsync(DiskChain.Switched(vm.Definition, mirror), cancellationToken);
        await _blocks.RemoveAsync(QemuDevices.DiskId(mirror.Slot), cancellationToken, keep: [.. DiskChain.Of(DiskOf(mirror.Slot)).Select(file => file.Node!)]);
        return isSwitched ? MirrorPhase.Switched : MirrorPhase.None;
    }

    private async Task<string?> UsedNodeAsync(int slot, CancellationToken cancellationToken) =>
        (await _blocks.FindAsync(QemuDevices.DiskId(slot), cancellationToken))?.Inserted?.NodeName;

    private DiskDefinition DiskOf(int slot) => vm.Definition.Disks.First(disk => disk.Slot == slot);
}
