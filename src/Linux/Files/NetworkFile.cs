using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>
/// A file on NFS that a process of another user works with, though it has no way to its path. Reads, writes and locks go to the server in the name of who opened it;
/// but when space is allocated or given back and holes are looked for (fallocate(2), lseek(2); RFC 7862, 15), Linux's client names the user of the process that does
/// it, and the server goes by the file's mode: "Permission denied" (tried with 6.1).
/// </summary>
public static class NetworkFile
{
    private const long Nfs = 0x6969; // NFS_SUPER_MAGIC
    private const uint EverybodyReadsAndWrites = 0b110_110_110;

    /// <summary>Lets any user work with an open file where it lies on NFS. The folders above it keep from it who was not given it.</summary>
    /// <exception cref="LinuxException">Its mode cannot be changed.</exception>
    public static void Share(SafeFileHandle file)
    {
        if (Libc.fstatfs(file, out var facts) != 0) throw LinuxException.Last("read the kind of a file system");
        if (facts.Kind == Nfs && Libc.fchmod(file, EverybodyReadsAndWrites) != 0) throw LinuxException.Last("let users of this host work with a file on NFS");
    }
}
