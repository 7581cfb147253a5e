using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>Files that are either the old or the new ones, also after a power failure.</summary>
public static class DurableFile
{
    private const uint SyncFileRangeWrite = 2; // SYNC_FILE_RANGE_WRITE, linux/fs.h

    /// <summary>Writes `.tmp-&lt;operation&gt;` beside the file, fsyncs it, renames it over the file and fsyncs the folder.</summary>
    /// <param name="path">The file to make or replace.</param>
    /// <param name="content">All of it.</param>
    /// <param name="mode">Permissions of the new file, whatever the umask.</param>
    /// <param name="operation">Ends the temporary name, so that the sweep knows whose leftover it is (D18).</param>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode, string operation = "write")
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        var temporary = Path.Combine(folder, $".tmp-{operation}-{Path.GetFileName(path)}");
        CrashPoints.Reached("file", KindOf(path), "before");
        File.Delete(temporary);
        using (var file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write))
        {
            File.SetUnixFileMode(file, mode);
            RandomAccess.Write(file, content, 0);
            RandomAccess.FlushToDisk(file);
        }

        CrashPoints.Reached("file", KindOf(path), "written");
        File.Move(temporary, path, overwrite: true);
        SyncDirectory(folder);
        CrashPoints.Reached("file", KindOf(path), "after");
    }

    /// <summary>
    /// Lets the kernel begin to write what is new in a file to its disk: the fsync at the end has the less to do. Promises nothing: what fails here fails
    /// again there.
    /// </summary>
    public static void BeginWriting(SafeFileHandle file) => _ = Libc.sync_file_range(file, 0, 0, SyncFileRangeWrite);

    /// <summary>Makes names that were created, renamed or deleted in a folder durable.</summary>
    public static void SyncDirectory(string path)
    {
        var number = Libc.open(path, (int)OpenFlags.Directory | Libc.OpenCloseOnExec, 0);
        if (number < 0) throw LinuxException.Last($"open the folder {path}");
        using var folder = new SafeFileHandle(number, ownsHandle: true);
        if (Libc.fsync(folder) != 0) throw LinuxException.Last($"make the folder {path} durable");
    }

    /// <summary>The file's name without an id.</summary>
    private static string KindOf(string path) => Guid.TryParse(Path.GetFileNameWithoutExtension(path), out _) ? $"id{Path.GetExtension(path)}" : Path.GetFileName(path);
}
