using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>Room in a file system (statvfs(3)).</summary>
/// <param name="TotalBytes">Its size.</param>
/// <param name="AvailableBytes">What an ordinary user may still write: without the reserve of root.</param>
public sealed record FileSystemSpace(long TotalBytes, long AvailableBytes)
{
    /// <param name="path">A folder in it.</param>
    public static FileSystemSpace Read(string path)
    {
        var number = Libc.open(path, (int)OpenFlags.Directory | Libc.OpenCloseOnExec, 0);
        if (number < 0) throw LinuxException.Last($"open the folder {path}");
        using var folder = new SafeFileHandle(number, ownsHandle: true);
        if (Libc.fstatvfs(folder, out var facts) != 0) throw LinuxException.Last($"read the free space of {path}");
        return new((long)(facts.Blocks * facts.FragmentSize), (long)(facts.AvailableBlocks * facts.FragmentSize));
    }
}
