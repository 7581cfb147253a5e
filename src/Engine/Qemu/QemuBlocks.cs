using Lamina.Engine.Qmp;
using Lamina.Linux;

namespace Lamina.Engine.Qemu;

/// <summary>
/// Block nodes of a running QEMU: brought as open files, taken away whole. All nodes of a device bear its id, those below it the id and an
/// ending, so whatever a broken attempt left is found by name.
/// </summary>
internal sealed class QemuBlocks(QemuMonitor monitor, TimeProvider time)
{
    private const int MostAttempts = 100;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private const string FdsetPrefix = "/dev/fdset/";

    /// <summary>Adds the nodes, the lowest first.</summary>
    public async Task AddAsync(IEnumerable<BlockNode> nodes, CancellationToken cancellationToken)
    {
        foreach (var node in nodes)
        {
            using var file = QemuOpenFiles.OpenOne(node);
            var fdset = await monitor.ExecuteWithHandleAsync(QmpCommands.AddFd, new AddFdArguments { Opaque = node.Role }, file, cancellationToken);
            CrashPoints.Reached("qmp", "add-fd", "after");
            await monitor.ExecuteAsync(BlockdevCommands.AddFile, node.File(fdset.FdsetId), cancellationToken);
            if (node.Format == DiskFormat.Qcow2) await monitor.ExecuteAsync(BlockdevCommands.AddQcow2, node.Qcow2(), cancellationToken);
            else await monitor.ExecuteAsync(BlockdevCommands.AddRaw, node.Raw(), cancellationToken);
            CrashPoints.Reached("qmp", "blockdev-add", "after");
        }
    }

    /// <summary>Removes all nodes of a device that is gone, and QEMU's copies of their files: a disk's lock lives as long as any does (D9).</summary>
    /// <param name="device">Its id.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="keep">Nodes that a device which stays goes on using; none = all go.</param>
    /// <exception cref="QmpErrorException">One is still in use.</exception>
    public async Task RemoveAsync(string device, CancellationToken cancellationToken, IReadOnlyCollection<string>? keep = null)
    {
        var kept = keep ?? [];
        var sets = new HashSet<long>();
        for (var attempt = 1; ; attempt++)
        {
            var nodes = (await NodesOfAsync(device, cancellationToken)).FindAll(node => !IsKept(node.NodeName!, kept));
            if (nodes.Count == 0) break;
            sets.UnionWith(nodes.Select(node => FdsetOf(node.File)).OfType<long>());
            var (isMoving, refused) = await DeleteAsync(nodes, cancellationToken);
            if (isMoving) continue;
            // A device lets go of its drive a moment after it was told to be gone (RCU), and nobody tells when.
            if (attempt == MostAttempts) throw refused!;
            await Task.Delay(Pause, time, cancellationToken);
        }
        CrashPoints.Reached("qmp", "blockdev-del", "after");
        await RemoveFilesAsync(device, sets, kept, cancellationToken);
    }

    /// <summary>What a device has in it now; null = it is not there. The device is told by its id or its path in the machine.</summary>
    public async Task<BlockInfo?> FindAsync(string device, CancellationToken cancellationToken) =>
        (await monitor.ExecuteAsync(QmpCommands.QueryBlock, QmpNothing.Instance, cancellationToken))
            .FirstOrDefault(info => info.Qdev == device || info.Qdev == $"/machine/peripheral/{device}" || info.Qdev == BackendOf(device));

    /// <summary>A virtio disk's drive belongs to the device within the PCI device.</summary>
    public static string BackendOf(string device) => $"/machine/peripheral/{device}/virtio-backend";

    /// <summary>Whether a node or a file's name is one of the device's: <c>disk1</c> and <c>disk1-b2-file</c> are, <c>disk10</c> is not.</summary>
    internal static bool IsOf(string? name, string device) => name == device || name?.StartsWith($"{device}-", StringComparison.Ordinal) == true;

    private static bool IsKept(string node, IReadOnlyCollection<string> kept) => kept.Any(name => node == name || node == $"{name}-file");

    private async Task<List<BlockDeviceInfo>> NodesOfAsync(string device, CancellationToken cancellationToken) =>
        [.. (await monitor.ExecuteAsync(QmpDeviceCommands.QueryBlockNodes, new FlatArguments { Flat = true }, cancellationToken))
            .Where(node => IsOf(node.NodeName, device))];

    // Those that others stand on are refused until those are gone.
    private async Task<(bool IsMoving, QmpErrorException? Refused)> DeleteAsync(List<BlockDeviceInfo> nodes, CancellationToken cancellationToken)
    {
        var isMoving = false;
        QmpErrorException? refused = null;
        foreach (var node in nodes)
        {
            try
            {
                await monitor.ExecuteAsync(QmpDeviceCommands.BlockdevDelete, new NodeNameArguments { NodeName = node.NodeName! }, cancellationToken);
                isMoving = true;
            }
            catch (QmpErrorException exception)
            {
                refused = exception;
            }
        }
        return (isMoving, refused);
    }

    // While the guest does not run, QEMU notes it and closes them later (monitor/fds.c).
    private async Task RemoveFilesAsync(string device, HashSet<long> sets, IReadOnlyCollection<string> kept, CancellationToken cancellationToken)
    {
        var known = await monitor.ExecuteAsync(QmpDeviceCommands.QueryFdsets, QmpNothing.Instance, cancellationToken);
        foreach (var set in known.Where(set => sets.Contains(set.FdsetId) || set.Fds.Any(fd => IsOf(fd.Opaque, device) && !IsKept(fd.Opaque!, kept))))
            await monitor.ExecuteAsync(QmpCommands.RemoveFd, new RemoveFdArguments { FdsetId = set.FdsetId }, cancellationToken);
    }

    private static long? FdsetOf(string file) =>
        file.StartsWith(FdsetPrefix, StringComparison.Ordinal) && long.TryParse(file.AsSpan(FdsetPrefix.Length), out var number) ? number : null;
}

/// <summary><c>blockdev-add</c>, of which each driver has a form of its own.</summary>
internal static class BlockdevCommands
{
    public static readonly QmpCommand<FileBlockdev, QmpNothing> AddFile = new("blockdev-add", BlockdevJson.Default.FileBlockdev, QmpJson.Default.QmpNothing);
    public static readonly QmpCommand<Qcow2Blockdev, QmpNothing> AddQcow2 = new("blockdev-add", BlockdevJson.Default.Qcow2Blockdev, QmpJson.Default.QmpNothing);
    public static readonly QmpCommand<RawBlockdev, QmpNothing> AddRaw = new("blockdev-add", BlockdevJson.Default.RawBlockdev, QmpJson.Default.QmpNothing);
}
