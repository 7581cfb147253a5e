using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>Files that exist only in memory (memfd_create(2)).</summary>
public static class Memfd
{
    private const uint CloseOnExec = 1;
    private const uint AllowSealing = 2;
    private const int AddSeals = 1033;
    private const int SealSeal = 1;
    private const int SealShrink = 2;
    private const int SealGrow = 4;
    private const int SealWrite = 8;

    /// <summary>A file with this content that nobody, not even we, can change any more; readable (0644) by a child of another uid.</summary>
    /// <param name="name">For /proc/pid/fd only.</param>
    /// <param name="content">Its position is at the start.</param>
    public static SafeFileHandle CreateSealed(string name, ReadOnlySpan<byte> content)
    {
        var file = CreateWith(name, content);
        try
        {
            Seal(file, name);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>As <see cref="CreateSealed(string, ReadOnlySpan{byte})"/>, copied from a file: a kernel or initrd for QEMU.</summary>
    public static SafeFileHandle CreateSealed(string name, SafeFileHandle source)
    {
        var file = Create(name);
        try
        {
            Copy(source, file);
            Seal(file, name);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>An empty file that another process is to write.</summary>
    public static SafeFileHandle CreateGrowing(string name) => Create(name);

    /// <summary>The same file, opened once more: with other rights, and a position of its own.</summary>
    public static SafeFileHandle Reopen(SafeFileHandle file, OpenFlags flags)
    {
        var number = Libc.open($"/proc/self/fd/{file.DangerousGetHandle()}", (int)flags | Libc.OpenCloseOnExec, 0);
        return number >= 0 ? new SafeFileHandle(number, ownsHandle: true) : throw LinuxException.Last("open a memory file again");
    }

    internal static SafeFileHandle CreateWith(string name, ReadOnlySpan<byte> content)
    {
        var file = Create(name);
        RandomAccess.Write(file, content, 0);
        return file;
    }

    /// <summary>With positions of its own, so that both files' offsets stay where they are.</summary>
    private static void Copy(SafeFileHandle source, SafeFileHandle target)
    {
        var buffer = new byte[1 << 20];
        for (long offset = 0; ;)
        {
            var count = RandomAccess.Read(source, buffer, offset);
            if (count == 0) return;
            RandomAccess.Write(target, buffer.AsSpan(0, count), offset);
            offset += count;
        }
    }

    private static SafeFileHandle Create(string name)
    {
        var number = Libc.memfd_create(name, CloseOnExec | AllowSealing);
        if (number < 0) throw LinuxException.Last($"create the memory file {name}");
        var file = new SafeFileHandle(number, ownsHandle: true);
        if (Libc.fchmod(file, 0b110_100_100) == 0) return file;
        file.Dispose();
        throw LinuxException.Last($"set the mode of the memory file {name}");
    }

    private static void Seal(SafeFileHandle file, string name)
    {
        if (Libc.fcntl((int)file.DangerousGetHandle(), AddSeals, SealSeal | SealShrink | SealGrow | SealWrite) != 0)
            throw LinuxException.Last($"seal the memory file {name}");
    }
}
