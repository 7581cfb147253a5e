namespace Lamina.Linux.Files;

/// <summary>Files that are either the old or the new ones, also after a power failure.</summary>
public static class DurableFile
{
    /// <summary>Writes `.tmp-&lt;operation&gt;` beside the file, fsyncs it, renames it over the file and fsyncs the folder.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode, string operation = "write") =>
        throw new NotImplementedException();

    /// <summary>Makes names that were created, renamed or deleted in a folder durable.</summary>
    public static void SyncDirectory(string path) => throw new NotImplementedException();
}

/// <summary>An advisory lock of this open file (flock(2)); the kernel drops it when the process dies.</summary>
public sealed class FileLock : IDisposable
{
    /// <returns>Null when somebody else holds it.</returns>
    public static FileLock? TryAcquire(string path) => throw new NotImplementedException();

    public void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>Room in a file system (statvfs(3)).</summary>
/// <param name="AvailableBytes">For an ordinary user: without the reserve of root.</param>
public sealed record FileSystemSpace(long TotalBytes, long AvailableBytes)
{
    public static FileSystemSpace Read(string path) => throw new NotImplementedException();
}

/// <summary>Who owns a path.</summary>
public static class Ownership
{
    /// <summary>Changes the owner of the path itself; a symbolic link is not followed.</summary>
    public static void Change(string path, uint userId, uint groupId) => throw new NotImplementedException();
}
