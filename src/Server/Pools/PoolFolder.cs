using System.Text;
using Lamina.Linux;
using Lamina.Linux.Files;

namespace Lamina.Server.Pools;

/// <summary>A folder of this host that becomes a pool or is one: looked at, marked, taken back.</summary>
internal static class PoolFolder
{
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;
    private const UnixFileMode MarkMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>What a new file system brings along.</summary>
    private const string LostAndFound = "lost+found";

    /// <summary>Makes the folder if only it is missing, looks whether disks may lie there, marks it as this pool, and makes the folders in it. Safe to repeat.</summary>
    /// <exception cref="ProblemException">Why it is no place for a pool.</exception>
    public static void Take(PoolPaths paths, string poolId)
    {
        CheckParents(paths.Root);
        try
        {
            if (FileSystem(paths.Root)?.Refusal() is { } unfit) throw Refuse("pool.fileSystem", $"{paths.Root} cannot be a pool: {unfit}.", "Name a folder on another file system.");
            if (!Directory.Exists(paths.Root)) Directory.CreateDirectory(paths.Root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            CheckOwner(paths.Root, isPool: true);
            Mark(paths, poolId);
            HostPools.MakeFolders(paths);
        }
        catch (Exception problem) when (problem is LinuxException or IOException or UnauthorizedAccessException)
        {
            throw Refuse("pool.notWritable", $"{paths.Root} cannot be written: {problem.Message}", "Is its file system mounted for writing?", problem);
        }

        CrashPoints.Reached("pool", "create", "after");
    }

    /// <summary>Removes what <see cref="Take"/> made, as far as it is empty; the folder itself stays. Safe to repeat.</summary>
    /// <returns>What lies in it still, and so stays.</returns>
    public static IReadOnlyList<string> GiveBack(PoolPaths paths, string poolId)
    {
        if (!Directory.Exists(paths.Root) || MarkOf(paths) is { } mark && mark != poolId) return [];
        using var root = RootedDirectory.Open(paths.Root);
        foreach (string folder in paths.Folders.Select(Path.GetFileName).OfType<string>())
        {
            if (root.List(folder).Count == 0) root.DeleteDirectory(folder);
        }

        root.DeleteDirectory(SharedPoolProof.Folder);
        string[] left = [.. root.List().Where(name => name is not (PoolPaths.MarkName or LostAndFound))];
        root.DeleteFile(PoolPaths.MarkName);
        CrashPoints.Reached("pool", "delete", "after");
        return left;
    }

    /// <summary>Id of the pool that the folder is marked as; null: it bears no mark.</summary>
    public static string? MarkOf(PoolPaths paths)
    {
        string file = Path.Join(paths.Root, PoolPaths.MarkName);
        return File.Exists(file) ? File.ReadAllText(file).Trim() : null;
    }

    /// <summary>The file system that the folder lies on, as far as the kernel tells.</summary>
    public static MountInfo? FileSystem(string path) => MountInfo.Of(File.ReadAllText("/proc/self/mountinfo"), path);

    /// <summary>Whether the folder's file system takes O_DIRECT.</summary>
    public static bool TakesDirectIo(PoolPaths paths)
    {
        using var root = RootedDirectory.Open(paths.Root);
        try
        {
            using var file = root.OpenFile(PoolPaths.MarkName, OpenFlags.ReadOnly | OpenFlags.Direct);
            return true;
        }
        catch (LinuxException problem) when (problem.ErrorNumber is Errno.Invalid or Errno.NoEntry)
        {
            return false;
        }
    }

    /// <summary>Whoever may change a folder above could put another one in the pool's place.</summary>
    private static void CheckParents(string path)
    {
        string[] parts = path.Split('/')[1..];
        for (int depth = 1; depth < parts.Length; depth++)
        {
            string parent = "/" + string.Join('/', parts[..depth]);
            if (!Directory.Exists(parent)) throw Refuse("pool.parentMissing", $"There is no folder {parent}, so {path} cannot be made.", "Make it, or mount its file system, first.");
            CheckOwner(parent, isPool: false);
        }
    }

    private static void CheckOwner(string path, bool isPool)
    {
        var folder = new DirectoryInfo(path);
        if (folder.LinkTarget is { } target) throw Refuse("pool.symbolicLink", $"{path} is a symbolic link (to {target}), which may lead elsewhere tomorrow.", "Name the folder itself.");
        using var above = RootedDirectory.Open(path);
        var facts = above.Facts;
        bool sticky = !isPool && facts.Mode.HasFlag(UnixFileMode.StickyBit);
        if (facts.UserId != 0 || ((facts.Mode & OthersWrite) != 0 && !sticky && !isPool))
            throw Refuse("pool.notOurs", $"{path} belongs to user {facts.UserId} or can be written by others, who could put anything in the pool's place.", $"Make root its only owner: chown root {path}; chmod go-w {path}.");
    }

    private static void Mark(PoolPaths paths, string poolId)
    {
        if (MarkOf(paths) is { } mark)
        {
            if (mark == poolId) return;
            throw Refuse("pool.taken", $"{paths.Root} is marked as the pool {mark} of this or another installation.", $"If that pool is no more, remove {Path.Join(paths.Root, PoolPaths.MarkName)} and what lies beside it.");
        }

        using var root = RootedDirectory.Open(paths.Root);
        string[] content = [.. root.List().Where(name => name != LostAndFound)];
        if (content.Length > 0)
            throw Refuse("pool.folderNotEmpty", $"{paths.Root} is not empty ({string.Join(", ", content.Take(3))}{(content.Length > 3 ? "…" : "")}), and a pool is a folder of its own.", "Name an empty folder, or one that is not there yet.");
        DurableFile.Write(Path.Join(paths.Root, PoolPaths.MarkName), Encoding.UTF8.GetBytes(poolId + "\n"), MarkMode, poolId);
    }

    private static ProblemException Refuse(string code, string message, string remedy, Exception? cause = null) =>
        new(ProblemKind.Unprocessable, code, message, remedy, cause);
}
