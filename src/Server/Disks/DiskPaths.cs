using Lamina.Api;
using Lamina.Server.Pools;

namespace Lamina.Server.Disks;

/// <summary>One file of a disk.</summary>
internal sealed record DiskFilePath(string Path, DiskFormat Format);

/// <summary>A disk as the engine opens it: the file that is written, and all files below it, nearest first.</summary>
internal sealed record DiskPaths(string Path, DiskFormat Format)
{
    public IReadOnlyList<DiskFilePath> Backing { get; init; } = [];

    /// <summary>All files, from the one that is written down to the last.</summary>
    public IReadOnlyList<DiskFilePath> Chain => [new DiskFilePath(Path, Format), .. Backing];

    /// <summary>Resolves the files of a layer (pure). An image lies in the disk's own pool.</summary>
    /// <param name="pool">The disk's.</param>
    /// <param name="diskId">The disk.</param>
    /// <param name="spec">Its record.</param>
    /// <param name="chain">The layer and those below it.</param>
    /// <param name="below">The files of the layer that a linked clone stands on; null: it is none.</param>
    public static DiskPaths Of(PoolPaths pool, string diskId, DiskSpec spec, IReadOnlyList<DiskLayer> chain, DiskPaths? below)
    {
        var files = chain.Select(layer => FileOf(pool, diskId, spec, layer)).ToList();
        if (spec.Image is { } image) files.Add(new DiskFilePath(pool.Image(image), DiskFormat.Qcow2));
        if (below is not null) files.AddRange(below.Chain);
        return new DiskPaths(files[0].Path, files[0].Format) { Backing = files[1..] };
    }

    private static DiskFilePath FileOf(PoolPaths pool, string diskId, DiskSpec spec, DiskLayer layer) => DiskLayers.IsFirstFile(layer)
        ? new DiskFilePath(pool.Disk(diskId, spec.Format), spec.Format)
        : new DiskFilePath(pool.DiskLayer(diskId, DiskLayers.FileOf(layer)), DiskFormat.Qcow2);
}
