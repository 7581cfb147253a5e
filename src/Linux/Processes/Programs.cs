namespace Lamina.Linux.Processes;

/// <summary>Finds installed programs in the standard folders: never in the caller's PATH, which is not ours to trust.</summary>
public static class Programs
{
    private static readonly string[] Folders = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

    /// <returns>The real path of the program, or null when it is not installed.</returns>
    public static string? Find(string name)
    {
        if (Path.IsPathRooted(name)) return RealPathOf(name);
        foreach (var folder in Folders)
            if (RealPathOf(Path.Combine(folder, name)) is { } path) return path;
        return null;
    }

    /// <exception cref="LinuxException">ENOENT: it is not installed.</exception>
    public static string Require(string name) => Find(name) ?? throw new LinuxException($"find the program {name}", Errno.NoEntry);

    /// <summary>Follows links of the file and of its folders: /proc/pid/exe shows /usr/sbin/x for a program started as /sbin/x.</summary>
    private static string? RealPathOf(string path)
    {
        if (!File.Exists(path)) return null;
        var file = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        var folder = Path.GetDirectoryName(file)!;
        return Path.Combine(Directory.ResolveLinkTarget(folder, returnFinalTarget: true)?.FullName ?? folder, Path.GetFileName(file));
    }
}
