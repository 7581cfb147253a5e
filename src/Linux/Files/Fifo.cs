using System.Runtime.InteropServices;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>
/// A named pipe for the words of a process that outlives the daemon. The writer's end can be read too, so that the process never meets a broken pipe; what nobody
/// reads is dropped beyond the pipe's 64 KiB, so it can neither block nor fill a disk; and the next daemon opens the pipe again and reads on. The words
/// last only as long as anybody holds the pipe: whoever wants the last ones of a process must hold it when that ends.
/// </summary>
public static class Fifo
{
    /// <summary>Makes it anew and opens it for a child's standard error: pass the handle as <c>ChildOutput.To</c>, and hold it as long as its words matter.</summary>
    public static SafeFileHandle Create(string path)
    {
        File.Delete(path);
        if (Libc.mkfifo(path, 0b110_000_000) != 0) throw LinuxException.Last($"make the pipe {path}");
        return Open(path, OpenFlags.ReadWrite);
    }

    /// <summary>Holds a pipe that an earlier daemon made; null when it is not there.</summary>
    public static SafeFileHandle? TryHold(string path) => File.Exists(path) ? Open(path, OpenFlags.ReadWrite) : null;

    /// <summary>Takes what was written since the last time, at most <paramref name="maxBytes"/>; nothing when the pipe is gone.</summary>
    public static unsafe byte[] ReadAvailable(string path, int maxBytes)
    {
        if (!File.Exists(path)) return [];
        using var pipe = Open(path, OpenFlags.ReadOnly);
        var buffer = new byte[maxBytes];
        var filled = 0;
        fixed (byte* start = buffer)
        {
            while (filled < maxBytes)
            {
                var count = Libc.read(pipe, start + filled, (nuint)(maxBytes - filled));
                if (count < 0 && Marshal.GetLastPInvokeError() == Errno.Interrupted) continue;
                if (count <= 0) break; // EAGAIN: empty; 0: no writer any more
                filled += (int)count;
            }
        }

        return buffer[..filled];
    }

    private static SafeFileHandle Open(string path, OpenFlags flags)
    {
        var number = Libc.open(path, (int)(flags | OpenFlags.NonBlocking) | Libc.OpenCloseOnExec, 0);
        return number >= 0 ? new(number, ownsHandle: true) : throw LinuxException.Last($"open the pipe {path}");
    }
}
