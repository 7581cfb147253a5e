namespace Lamina.Engine;

/// <summary>A new, empty layer for the disk in a slot: an existing qcow2 file of the disk's size.</summary>
public sealed record NewLayer(int Slot, string Path);

/// <summary>How a running disk's chain of files changes. Pure.</summary>
public static class DiskChain
{
    private const int LongestNode = 31;

    /// <summary>The files from the one that is written down to the last, each with its node's name.</summary>
    public static IReadOnlyList<DiskFile> Of(DiskDefinition disk) =>
    [
        new DiskFile { Path = disk.Path, Format = disk.Format, Node = disk.Node ?? $"disk{disk.Slot}" },
        .. disk.Backing.Select((file, index) => file with { Node = file.Node ?? $"disk{disk.Slot}-b{index + 1}" }),
    ];

    /// <summary>The node of a layer that is added while the guest runs: told by its file, so that a later daemon finds it.</summary>
    public static string NodeOf(NewLayer layer)
    {
        var name = System.IO.Path.GetFileNameWithoutExtension(layer.Path).Replace("-", "", StringComparison.Ordinal);
        var prefix = $"disk{layer.Slot}-l";
        // Room for the ending of the file's own node; the end of an id is its random part.
        var room = LongestNode - prefix.Length - "-file".Length;
        return prefix + (name.Length > room ? name[^room..] : name);
    }

    public static VmDefinition With(VmDefinition vm, IEnumerable<NewLayer> layers)
    {
        var bySlot = layers.ToDictionary(layer => layer.Slot);
        return vm with
        {
            Disks = [.. vm.Disks.Select(disk => bySlot.GetValueOrDefault(disk.Slot) is { } layer && disk.Path != layer.Path
                ? Put(disk, [new DiskFile { Path = layer.Path, Format = DiskFormat.Qcow2, Node = NodeOf(layer) }, .. Of(disk)])
                : disk)],
        };
    }

    /// <summary>Without one of its files: what it said is said by the one below it now.</summary>
    public static VmDefinition Without(VmDefinition vm, int slot, string path) => vm with
    {
        Disks = [.. vm.Disks.Select(disk => disk.Slot == slot ? Put(disk, [.. Of(disk).Where(file => file.Path != path)]) : disk)],
    };

    /// <summary>The disk is one file now, which holds all that its chain held.</summary>
    public static VmDefinition Switched(VmDefinition vm, DiskMirror mirror) => vm with
    {
        Disks = [.. vm.Disks.Select(disk => disk.Slot == mirror.Slot ? Put(disk, [new DiskFile { Path = mirror.Path, Format = mirror.Format, Node = mirror.Node }]) : disk)],
    };

    private static DiskDefinition Put(DiskDefinition disk, IReadOnlyList<DiskFile> chain) => disk with
    {
        Path = chain[0].Path,
        Format = chain[0].Format,
        Node = chain[0].Node,
        Backing = [.. chain.Skip(1)],
    };
}
