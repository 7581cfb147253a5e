using Lamina.Linux.Files;

namespace Lamina.Server.Pools;

/// <summary>What lies in a pool's folders.</summary>
internal static class PoolFiles
{
    /// <summary>
    /// What disks, images, ISOs, VMs' own files and uploads occupy; files that come or go meanwhile are not counted, nor is what operations
    /// have not committed yet.
    /// </summary>
    public static long AllocatedBytes(PoolPaths paths)
    {
        using var root = RootedDirectory.Open(paths.Root);
        return paths.Folders.Sum(folder => AllocatedBytes(root, Path.GetFileName(folder)));
    }

    /// <summary>What a file, or everything in a folder, occupies; 0 when it is not there.</summary>
    public static long AllocatedBytes(RootedDirectory root, string path) => root.Find(path) switch
    {
        null => 0,
        { Kind: FileKind.Directory } => root.List(path).Sum(name => AllocatedBytes(root, Path.Join(path, name))),
        { } file => file.AllocatedBytes,
    };
}
