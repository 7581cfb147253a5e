using System.Runtime.InteropServices;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>
/// Copies a file within the kernel and keeps its holes: shares the blocks where the file system can (FICLONE: btrfs, XFS), else copies what is not a
/// hole (copy_file_range(2), SEEK_DATA).
/// </summary>
public static class SparseCopy
{
    private const nuint FileClone = 0x40049409; // FICLONE, linux/fs.h
    private const int SeekData = 3;
    private const int SeekHole = 4;
    private const int NoSuchData = 6; // ENXIO: only a hole is left
    private const int NotSupported = 95;
    private const int NoSystemCall = 38;
    private const int NotPermitted = 1;
    private const int NotForThisFile = 25; // ENOTTY
    private const int ChunkBytes = 16 << 20;

    /// <summary>Lets the target share all blocks of the source: done in a moment, and no room is taken until one of them is written.</summary>
    /// <returns>False: this file system cannot, or they lie on two.</returns>
    public static bool TryShare(SafeFileHandle source, SafeFileHandle target)
    {
        if (Libc.ioctl(target, FileClone, source.DangerousGetHandle()) == 0) return true;
        int error = Marshal.GetLastPInvokeError();
        return error is NotSupported or Errno.CrossDevice or Errno.Invalid or NotPermitted or NotForThisFile
            ? false
            : throw new LinuxException("share the blocks of a file", error);
    }

    /// <summary>Copies everything from the first byte; the target is empty before, and as long as the source afterwards.</summary>
    /// <param name="source">Nobody writes it meanwhile.</param>
    /// <param name="target">Open for writing.</param>
    /// <param name="copied">Told the bytes copied since it was told last; holes count nothing.</param>
    /// <param name="cancellation">Ends it between two pieces.</param>
    /// <exception cref="LinuxException">The disk is full, or broken.</exception>
    public static void Copy(SafeFileHandle source, SafeFileHandle target, Action<long> copied, CancellationToken cancellation)
    {
        long length = RandomAccess.GetLength(source);
        RandomAccess.SetLength(target, length);
        byte[]? buffer = null;
        for (long offset = NextData(source, 0, length); offset < length; offset = NextData(source, offset, length))
        {
            long end = EndOfData(source, offset, length);
            while (offset < end)
            {
                cancellation.ThrowIfCancellationRequested();
                long count = buffer is null ? InKernel(source, target, offset, end) : 0;
                if (count == 0) count = ByHand(source, target, offset, end, buffer ??= new byte[1 << 20]);
                if (count == 0) return; // the source was cut short
                offset += count;
                copied(count);
            }
        }
    }

    /// <summary>What of the file is not a hole.</summary>
    public static long DataBytes(SafeFileHandle file)
    {
        long length = RandomAccess.GetLength(file);
        long sum = 0;
        for (long offset = NextData(file, 0, length); offset < length; offset = NextData(file, offset, length))
        {
            long end = EndOfData(file, offset, length);
            sum += end - offset;
            offset = end;
        }

        return sum;
    }

    /// <summary>The next piece that is not a hole, from an offset on; null: only a hole is left.</summary>
    public static (long Offset, long End)? NextData(SafeFileHandle file, long offset)
    {
        long length = RandomAccess.GetLength(file);
        long begin = NextData(file, offset, length);
        return begin >= length ? null : (begin, EndOfData(file, begin, length));
    }

    private static long NextData(SafeFileHandle file, long offset, long length)
    {
        if (offset >= length) return length;
        long found = Libc.lseek(file, offset, SeekData);
        if (found >= 0) return found;
        int error = Marshal.GetLastPInvokeError();
        return error == NoSuchData ? length : throw new LinuxException("look for data in a file", error);
    }

    private static long EndOfData(SafeFileHandle file, long offset, long length)
    {
        long found = Libc.lseek(file, offset, SeekHole);
        return found >= 0 ? Math.Min(found, length) : throw LinuxException.Last("look for a hole in a file");
    }

    /// <summary>0: this pair of files is to be copied by hand.</summary>
    private static long InKernel(SafeFileHandle source, SafeFileHandle target, long offset, long end)
    {
        long from = offset, to = offset;
        while (true)
        {
            long count = Libc.copy_file_range(source, ref from, target, ref to, (nuint)Math.Min(end - offset, ChunkBytes), 0);
            if (count >= 0) return count;
            int error = Marshal.GetLastPInvokeError();
            if (error == Errno.Interrupted) continue;
            return error is Errno.CrossDevice or Errno.Invalid or NotSupported or NoSystemCall ? 0 : throw new LinuxException("copy a file", error);
        }
    }

    private static long ByHand(SafeFileHandle source, SafeFileHandle target, long offset, long end, byte[] buffer)
    {
        int count = RandomAccess.Read(source, buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - offset)), offset);
        RandomAccess.Write(target, buffer.AsSpan(0, count), offset);
        return count;
    }
}
