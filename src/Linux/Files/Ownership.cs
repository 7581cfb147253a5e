using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>Who owns a file.</summary>
public static class Ownership
{
    /// <summary>Changes the owner of the path itself; a symbolic link is not followed.</summary>
    public static void Change(string path, uint userId, uint groupId)
    {
        if (Libc.lchown(path, userId, groupId) != 0) throw LinuxException.Last($"give {path} to the user {userId}");
    }

    public static void Change(SafeFileHandle file, uint userId, uint groupId)
    {
        if (Libc.fchown(file, userId, groupId) != 0) throw LinuxException.Last($"give an open file to the user {userId}");
    }
}
