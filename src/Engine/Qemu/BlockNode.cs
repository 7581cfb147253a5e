namespace Lamina.Engine.Qemu;

/// <summary>One file of a disk or drive as a node of QEMU's block graph: a format over a file, named by its role.</summary>
/// <param name="Role">The device's id, for what lies below it with an ending: <c>disk0</c>, <c>disk0-b1</c>.</param>
/// <param name="Below">The node on which it stands; null = none, whatever a header says.</param>
internal sealed record BlockNode(string Role, string Path, DiskFormat Format, string? Below, bool ReadOnly, bool DirectIo, bool Discard)
{
    public string FileNode => $"{Role}-file";

    private BlockdevCache Cache => new() { Direct = DirectIo };

    private string DiscardMode => Discard ? "unmap" : "ignore";

    /// <summary>A disk's nodes from the base up: each must be there before the one that stands on it.</summary>
    public static IReadOnlyList<BlockNode> Of(DiskDefinition disk)
    {
        var id = QemuDevices.DiskId(disk.Slot);
        var nodes = new List<BlockNode>();
        string? below = null;
        for (var i = disk.Backing.Count; i > 0; i--)
        {
            var file = disk.Backing[i - 1];
            nodes.Add(new BlockNode(file.Node ?? $"{id}-b{i}", file.Path, file.Format, below, ReadOnly: true, disk.DirectIo, Discard: false));
            below = nodes[^1].Role;
        }
        nodes.Add(new BlockNode(disk.Node ?? id, disk.Path, disk.Format, below, disk.ReadOnly, disk.DirectIo, disk.Discard));
        return nodes;
    }

    /// <summary>A medium that is read as it is.</summary>
    public static BlockNode Medium(string role, string path, bool readOnly = true) =>
        new(role, path, DiskFormat.Raw, Below: null, readOnly, DirectIo: false, Discard: false);

    /// <param name="fdset">The set in which QEMU holds the open file.</param>
    public FileBlockdev File(long fdset) => new()
    {
        NodeName = FileNode, Filename = $"/dev/fdset/{fdset}", ReadOnly = ReadOnly, Cache = Cache, Discard = DiscardMode,
    };

    public Qcow2Blockdev Qcow2() => new()
    {
        NodeName = Role, File = FileNode, Backing = Below, ReadOnly = ReadOnly, Cache = Cache, Discard = DiscardMode,
    };

    public RawBlockdev Raw() => new() { NodeName = Role, File = FileNode, ReadOnly = ReadOnly, Cache = Cache, Discard = DiscardMode };
}
