using System.Runtime.InteropServices;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>An advisory lock of a file (flock(2)); the kernel drops it when the process dies.</summary>
public sealed class FileLock : IDisposable
{
    private const int ExclusiveNonBlocking = 2 | 4;
    private const int Unlock = 8;

    private readonly SafeFileHandle file;

    private FileLock(SafeFileHandle file) => this.file = file;

    /// <summary>Makes the file if need be and locks it. It is never deleted: a lock on a deleted file guards nothing.</summary>
    /// <returns>Null when somebody else holds it.</returns>
    public static FileLock? TryAcquire(string path)
    {
        var number = Libc.open(path, (int)(OpenFlags.ReadWrite | OpenFlags.Create) | Libc.OpenCloseOnExec, 0b110_000_000);
        if (number < 0) throw LinuxException.Last($"open the lock file {path}");
        var file = new SafeFileHandle(number, ownsHandle: true);
        if (Libc.flock(file, ExclusiveNonBlocking) == 0) return new(file);
        var errorNumber = Marshal.GetLastPInvokeError();
        file.Dispose();
        return errorNumber == Errno.TryAgain ? null : throw new LinuxException($"lock {path}", errorNumber);
    }

    /// <summary>Unlocks before closing: a child between its birth and its exec holds a copy of the file, which would keep the lock.</summary>
    public void Dispose()
    {
        if (file.IsClosed) return;
        Libc.flock(file, Unlock);
        file.Dispose();
    }
}
