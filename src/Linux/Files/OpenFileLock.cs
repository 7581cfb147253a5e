using System.Runtime.InteropServices;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>
/// A lock of the kind that QEMU puts on images: bound to the open file and not to the process, and carried to the server of a network file system
/// (fcntl(2), F_OFD_SETLK). Held until the file is closed.
/// </summary>
public static class OpenFileLock
{
    private const int SetLock = 37; // F_OFD_SETLK
    private const short WriteLock = 1; // F_WRLCK

    /// <summary>Locks the whole file for writing.</summary>
    /// <returns>False: another open file holds a lock on it.</returns>
    /// <exception cref="LinuxException">The file system knows no locks (ENOLCK, EOPNOTSUPP), or another failure.</exception>
    public static bool TryTake(SafeFileHandle file)
    {
        var range = new FileRange { Kind = WriteLock };
        if (Libc.fcntl(file, SetLock, ref range) == 0) return true;
        int errorNumber = Marshal.GetLastPInvokeError();
        return errorNumber is Errno.TryAgain or Errno.AccessDenied ? false : throw new LinuxException("lock a file", errorNumber);
    }
}
