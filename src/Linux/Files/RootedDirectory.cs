using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>How to open a file: the flags of open(2).</summary>
[Flags]
public enum OpenFlags
{
    ReadOnly = 0,
    WriteOnly = 1,
    ReadWrite = 2,
    Create = 0x40,
    Exclusive = 0x80,
    Truncate = 0x200,
    Append = 0x400,
    NonBlocking = 0x800,
    Direct = 0x4000,
    Directory = 0x10000,
}

/// <summary>
/// A folder under which files are opened without ever leaving it: no "..", no symbolic link is followed, whatever somebody put there
/// (openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS). All paths are relative to it.
/// </summary>
public sealed class RootedDirectory : IDisposable
{
    /// <exception cref="LinuxException">It is not there, or no folder.</exception>
    public static RootedDirectory Open(string path) => throw new NotImplementedException();

    public string FullPath => throw new NotImplementedException();

    public SafeFileHandle OpenFile(string path, OpenFlags flags, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite) =>
        throw new NotImplementedException();

    /// <summary>Makes the folder; one that is there already is fine.</summary>
    public void CreateDirectory(string path, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute) =>
        throw new NotImplementedException();

    /// <summary>Replaces the target if it is there, and makes the change durable.</summary>
    public void Rename(string from, string to) => throw new NotImplementedException();

    /// <returns>False when it was not there.</returns>
    public bool DeleteFile(string path) => throw new NotImplementedException();

    /// <summary>Deletes a folder with everything in it.</summary>
    /// <returns>False when it was not there.</returns>
    public bool DeleteDirectory(string path) => throw new NotImplementedException();

    public FileFacts? Find(string path) => throw new NotImplementedException();

    /// <summary>The names in a folder; the empty path is this folder itself. Empty when it is not there.</summary>
    public IReadOnlyList<string> List(string path) => throw new NotImplementedException();

    public void Dispose() => GC.SuppressFinalize(this);
}

/// <summary>What the file system knows of a file.</summary>
/// <param name="SizeBytes">Its length.</param>
/// <param name="AllocatedBytes">What it takes of the disk: less for a sparse one.</param>
public sealed record FileFacts(bool IsDirectory, long SizeBytes, long AllocatedBytes, uint UserId, uint GroupId, UnixFileMode Mode)
{
    public static FileFacts Read(SafeFileHandle file) => throw new NotImplementedException();
}
