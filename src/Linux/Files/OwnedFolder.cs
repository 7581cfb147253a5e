using System.Runtime.InteropServices;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>
/// A flat folder of plain files that changes hands between unprivileged users. The former owner may have put anything into it: what is no plain
/// file with this one name is never given away, or root would hand over whatever a link leads to.
/// </summary>
public static class OwnedFolder
{
    private const int PathOnly = 0x200000;
    private const int NoFollow = 0x20000;
    private const uint PrivateFolder = 0b111_000_000;

    /// <summary>Makes user and group the owners of the folder and its files, and nobody else able to enter it. Safe to repeat.</summary>
    /// <returns>The open folder.</returns>
    /// <exception cref="LinuxException">ELOOP: something in it is no plain file of its own; nothing is given away then.</exception>
    public static SafeFileHandle Give(string path, uint user, uint group)
    {
        var folder = Open(path, (int)OpenFlags.Directory | NoFollow);
        try
        {
            // Root's first: the former owner can put nothing more into it.
            Own(folder, 0, 0, path);
            if (Libc.fchmod(folder, PrivateFolder) != 0) throw LinuxException.Last($"close the folder {path}");
            var names = Directory.EnumerateFileSystemEntries($"/proc/self/fd/{folder.DangerousGetHandle()}").Select(entry => Path.GetFileName(entry)).ToList();
            foreach (var name in names) GiveFile(Path.Combine(path, name), user, group);
            Own(folder, user, group, path);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    private static void GiveFile(string path, uint user, uint group)
    {
        using var file = Open(path, PathOnly | NoFollow);
        if (Libc.statx(file, "", Libc.AtEmptyPath, FileFacts.BasicFacts, out var facts) != 0) throw LinuxException.Last($"read the facts of {path}");
        if (FileFacts.From(facts).Kind != FileKind.File || facts.Links != 1)
            throw new LinuxException($"give {path} to user {user}", Errno.SymbolicLinkMet, "it is no plain file with one name");
        Own(file, user, group, path);
    }

    private static void Own(SafeFileHandle file, uint user, uint group, string path)
    {
        if (Libc.fchownat(file, "", user, group, Libc.AtEmptyPath) != 0) throw LinuxException.Last($"give {path} to user {user}");
    }

    private static SafeFileHandle Open(string path, int flags)
    {
        var number = Libc.open(path, flags | Libc.OpenCloseOnExec, 0);
        return number >= 0 ? new SafeFileHandle(number, ownsHandle: true) : throw LinuxException.Last($"open {path}");
    }
}
