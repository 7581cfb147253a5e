using System.Runtime.InteropServices;
using Lamina.Engine.Qmp;
using Lamina.Linux;
using Lamina.Linux.Files;

namespace Lamina.Engine.Qemu;

/// <summary>
/// The layers of a running VM's disks. A new one is opened beside the chain first and put on top of all disks in one instant; one that is not
/// needed is merged into the file below it by a job of QEMU's that bears the caller's id, so that a later daemon finds it.
/// </summary>
internal sealed class QemuLayers(IVm vm, QemuMonitor monitor, QemuJobs jobs)
{
    private const string FdsetPrefix = "/dev/fdset/";

    /// <summary>Opens the layers; those that are open already stay.</summary>
    public async Task AddAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken)
    {
        var there = await NodesAsync(cancellationToken);
        foreach (var layer in layers.Where(layer => !there.ContainsKey(DiskChain.NodeOf(layer))))
        {
            var node = NodeOf(layer);
            using var file = ImageFile.Open(layer.Path, readOnly: false);
            var set = await monitor.ExecuteWithHandleAsync(QmpCommands.AddFd, new AddFdArguments { Opaque = node.Role }, file, cancellationToken);
            if (!there.ContainsKey(node.FileNode)) await monitor.ExecuteAsync(LayerCommands.AddFile, node.File(set.FdsetId), cancellationToken);
            await monitor.ExecuteAsync(LayerCommands.AddQcow2, node.Qcow2(), cancellationToken);
            CrashPoints.Reached("qmp", "layer-add", "after");
        }
    }

    /// <summary>Puts them all on top in one instant, and says so in the record.</summary>
    public async Task UseAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken)
    {
        var actions = layers.Select(layer => new SnapshotAction
        {
            Data = new SnapshotActionData { Node = DiskChain.Of(DiskOf(layer.Slot))[0].Node!, Overlay = DiskChain.NodeOf(layer) },
        });
        CrashPoints.Reached("qmp", "transaction", "before");
        await monitor.ExecuteAsync(QmpJobCommands.Transaction, new TransactionArguments { Actions = [.. actions] }, cancellationToken);
        CrashPoints.Reached("qmp", "transaction", "after");
    }

    /// <summary>Whether the guest writes to them; when it does, the record says so afterwards.</summary>
    public async Task<bool> AreUsedAsync(IReadOnlyList<NewLayer> layers, CancellationToken cancellationToken)
    {
        if (layers.Count == 0) return false;
        var blocks = await monitor.ExecuteAsync(QmpCommands.QueryBlock, QmpNothing.Instance, cancellationToken);
        if (!blocks.Any(block => block.Inserted?.NodeName == DiskChain.NodeOf(layers[0]))) return false;
        await vm.ReviseAsync(DiskChain.With(vm.Definition, layers), cancellationToken);
        return true;
    }

    /// <summary>Closes layers that are not in use; those that are not there are no error.</summary>
    public async Task DropAsync(IEnumerable<string> nodes, CancellationToken cancellationToken)
    {
        foreach (var node in nodes)
        {
            var there = await NodesAsync(cancellationToken);
            var set = there.TryGetValue($"{node}-file", out var file) ? FdsetOf(file.File) : null;
            foreach (var name in new[] { node, $"{node}-file" }.Where(there.ContainsKey))
                await monitor.ExecuteAsync(QmpDeviceCommands.BlockdevDelete, new NodeNameArguments { NodeName = name }, cancellationToken);
            if (set is { } number) await monitor.ExecuteAsync(QmpCommands.RemoveFd, new RemoveFdArguments { FdsetId = number }, cancellationToken);
        }
    }

    /// <summary>Begins to merge a file of a chain into the one below it, unless that is under way; completes when <see cref="FinishMergeAsync"/> may be called.</summary>
    public async Task MergeAsync(string job, int slot, string path, Action<int> onPercent, CancellationToken cancellationToken)
    {
        if (await jobs.FindAsync(job, cancellationToken) is null && !await IsMergedAsync(slot, path, cancellationToken)) await BeginMergeAsync(job, slot, path, cancellationToken);
        try
        {
            await jobs.FollowAsync(job, onPercent, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await jobs.CancelAsync(job);
            throw;
        }
    }

    /// <summary>Ends a merge: from here on the file is not used any more. When it was the one that is written, the guest must stand still meanwhile.</summary>
    public async Task FinishMergeAsync(string job, int slot, string path, CancellationToken cancellationToken)
    {
        await jobs.CompleteAsync(job, cancellationToken);
        var node = DiskChain.Of(DiskOf(slot)).FirstOrDefault(file => file.Path == path)?.Node;
        await vm.ReviseAsync(DiskChain.Without(vm.Definition, slot, path), cancellationToken);
        await jobs.DismissAsync(job, cancellationToken);
        if (node is not null) await DropAsync([node], cancellationToken);
    }

    private async Task BeginMergeAsync(string job, int slot, string path, CancellationToken cancellationToken)
    {
        var chain = DiskChain.Of(DiskOf(slot));
        var index = chain.ToList().FindIndex(file => file.Path == path);
        if (index < 0 || index + 1 >= chain.Count) throw new InvalidOperationException($"{path} is no file of disk{slot} that stands on another one.");
        await MakeWritableAsync(chain[index + 1], cancellationToken);
        if (index > 0) await MakeWritableAsync(chain[index - 1], cancellationToken);
        CrashPoints.Reached("qmp", "block-commit", "before");
        await monitor.ExecuteAsync(QmpJobCommands.BlockCommit, new BlockCommitArguments
        {
            JobId = job, Device = chain[0].Node!, TopNode = chain[index].Node!, BaseNode = chain[index + 1].Node!,
            BackingFile = index > 0 ? Path.GetFileName(chain[index + 1].Path) : null,
        }, cancellationToken);
        CrashPoints.Reached("qmp", "block-commit", "after");
    }

    /// <summary>
    /// Gives QEMU the file anew, open for writing. The old descriptor is taken away, since a lock belongs to the description that it stands for and would
    /// bar the new one; QEMU closes what is taken away only while the guest runs (tried with 7.2).
    /// </summary>
    private async Task MakeWritableAsync(DiskFile file, CancellationToken cancellationToken)
    {
        var name = $"{file.Node}-file";
        var node = (await NodesAsync(cancellationToken)).GetValueOrDefault(name);
        if (node is not { Ro: true } || FdsetOf(node.File) is not { } set) return;
        var before = (await monitor.ExecuteAsync(QmpDeviceCommands.QueryFdsets, QmpNothing.Instance, cancellationToken)).First(known => known.FdsetId == set);
        using var handle = ImageFile.Open(file.Path, readOnly: false);
        await monitor.ExecuteWithHandleAsync(QmpCommands.AddFd, new AddFdArguments { FdsetId = set, Opaque = file.Node }, handle, cancellationToken);
        var options = new FileBlockdev { NodeName = name, Filename = node.File, Cache = new BlockdevCache { Direct = node.Cache.Direct }, Discard = "unmap" };
        await monitor.ExecuteAsync(LayerCommands.Reopen, new ReopenArguments { Options = [options] }, cancellationToken);
        foreach (var old in before.Fds)
            await monitor.ExecuteAsync(QmpCommands.RemoveFd, new RemoveFdArguments { FdsetId = set, Fd = old.Fd }, cancellationToken);
    }

    /// <summary>A job that ended while no daemon listened, and was put away already.</summary>
    private async Task<bool> IsMergedAsync(int slot, string path, CancellationToken cancellationToken) =>
        DiskChain.Of(DiskOf(slot)).FirstOrDefault(file => file.Path == path)?.Node is not { } node || !(await NodesAsync(cancellationToken)).ContainsKey(node);

    private async Task<Dictionary<string, BlockDeviceInfo>> NodesAsync(CancellationToken cancellationToken) =>
        (await monitor.ExecuteAsync(QmpDeviceCommands.QueryBlockNodes, new FlatArguments { Flat = true }, cancellationToken)).ToDictionary(node => node.NodeName!);

    private DiskDefinition DiskOf(int slot) => vm.Definition.Disks.First(disk => disk.Slot == slot);

    private BlockNode NodeOf(NewLayer layer)
    {
        var disk = DiskOf(layer.Slot);
        return new BlockNode(DiskChain.NodeOf(layer), layer.Path, DiskFormat.Qcow2, Below: null, ReadOnly: false, disk.DirectIo, disk.Discard);
    }

    private static long? FdsetOf(string file) =>
        file.StartsWith(FdsetPrefix, StringComparison.Ordinal) && long.TryParse(file.AsSpan(FdsetPrefix.Length), out var number) ? number : null;
}

/// <summary><c>blockdev-add</c> and <c>blockdev-reopen</c> of what layers are made of.</summary>
internal static class LayerCommands
{
    public static readonly QmpCommand<FileBlockdev, QmpNothing> AddFile = new("blockdev-add", BlockdevJson.Default.FileBlockdev, QmpJson.Default.QmpNothing);
    public static readonly QmpCommand<Qcow2Blockdev, QmpNothing> AddQcow2 = new("blockdev-add", BlockdevJson.Default.Qcow2Blockdev, QmpJson.Default.QmpNothing);
    public static readonly QmpCommand<ReopenArguments, QmpNothing> Reopen = new("blockdev-reopen", BlockdevJson.Default.ReopenArguments, QmpJson.Default.QmpNothing);
}

internal sealed record ReopenArguments
{
    public required IReadOnlyList<FileBlockdev> Options { get; init; }
}
