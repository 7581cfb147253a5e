using System.Runtime.InteropServices;
using Lamina.Linux.Native;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Files;

/// <summary>
/// A folder under which files are opened without ever leaving it: no "..", no symbolic link is followed, whatever somebody put there
/// (openat2(2) with RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS). Nor is a mount point crossed: what a tool has mounted below and left there must
/// not be deleted with its folder. All paths are relative to it.
/// </summary>
public sealed class RootedDirectory : IDisposable
{
    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateFolder = PrivateFile | UnixFileMode.UserExecute;
    private const ulong ResolveNoMountPoints = 0x01;
    private const ulong ResolveNoMagicLinks = 0x02;
    private const ulong ResolveNoSymbolicLinks = 0x04;
    private const ulong ResolveBeneath = 0x08;

    private readonly SafeFileHandle root;

    private RootedDirectory(string fullPath, SafeFileHandle root)
    {
        FullPath = fullPath;
        this.root = root;
    }

    public string FullPath { get; }

    /// <summary>Of the folder itself.</summary>
    public FileFacts Facts => FileFacts.Read(root);

    /// <exception cref="LinuxException">It is not there, or no folder.</exception>
    public static RootedDirectory Open(string path)
    {
        var fullPath = Path.GetFullPath(path);
        var number = Libc.open(fullPath, (int)OpenFlags.Directory | Libc.OpenCloseOnExec, 0);
        return number >= 0 ? new(fullPath, new(number, ownsHandle: true)) : throw LinuxException.Last($"open the folder {fullPath}");
    }

    /// <exception cref="LinuxException">ENOENT, EEXIST; EXDEV or ELOOP: the path leads out, or over a mount point or symbolic link.</exception>
    public SafeFileHandle OpenFile(string path, OpenFlags flags, UnixFileMode mode = PrivateFile)
    {
        var file = TryOpen(path, flags, mode, out var errorNumber);
        if (file is null) throw new LinuxException($"open {Path.Combine(FullPath, path)}", errorNumber);
        if (flags.HasFlag(OpenFlags.Create)) CrashPoints.Reached("create", TopOf(path), "after");
        return file;
    }

    /// <summary>Makes the folder, durably; one that is there already is fine.</summary>
    public void CreateDirectory(string path, UnixFileMode mode = PrivateFolder)
    {
        using var parent = OpenParent(path, out var name);
        if (Libc.mkdirat(parent, name, (uint)mode) != 0 && Marshal.GetLastPInvokeError() != Errno.Exists)
            throw LinuxException.Last($"make the folder {Path.Combine(FullPath, path)}");
        Sync(parent, path);
        CrashPoints.Reached("folder", TopOf(path), "after");
    }

    /// <summary>Replaces the target if it is there, and makes the change durable.</summary>
    public void Rename(string from, string to)
    {
        using var source = OpenParent(from, out var sourceName);
        using var target = OpenParent(to, out var targetName);
        CrashPoints.Reached("rename", TopOf(to), "before");
        if (Libc.renameat2(source, sourceName, target, targetName, 0) != 0)
            throw LinuxException.Last($"rename {Path.Combine(FullPath, from)} to {to}");
        Sync(target, to);
        Sync(source, from);
        CrashPoints.Reached("rename", TopOf(to), "after");
    }

    /// <returns>False when it was not there.</returns>
    public bool DeleteFile(string path)
    {
        CrashPoints.Reached("unlink", TopOf(path), "before");
        var found = Delete(path, flags: 0, durably: true);
        CrashPoints.Reached("unlink", TopOf(path), "after");
        return found;
    }

    /// <summary>Deletes a folder with everything in it. Symbolic links in it are deleted, not followed.</summary>
    /// <returns>False when it was not there.</returns>
    /// <exception cref="LinuxException">EXDEV: something is mounted in it; what lies there is untouched.</exception>
    public bool DeleteDirectory(string path)
    {
        CrashPoints.Reached("rmtree", TopOf(path), "before");
        DeleteContent(path);
        CrashPoints.Reached("rmtree", TopOf(path), "emptied");
        var found = Delete(path, Libc.AtRemoveDirectory, durably: true);
        CrashPoints.Reached("rmtree", TopOf(path), "after");
        return found;
    }

    /// <summary>Facts of a file or folder; null when it is not there. A symbolic link is not followed.</summary>
    public FileFacts? Find(string path)
    {
        try
        {
            using var parent = OpenParent(path, out var name);
            return FileFacts.Find(parent, name);
        }
        catch (LinuxException error) when (error.ErrorNumber == Errno.NoEntry)
        {
            return null;
        }
    }

    /// <summary>The names in a folder; the empty path is this folder itself. Empty when it is not there.</summary>
    public IReadOnlyList<string> List(string path = "")
    {
        using var folder = TryOpen(path.Length == 0 ? "." : path, OpenFlags.Directory, 0, out var errorNumber);
        if (folder is null && errorNumber == Errno.NoEntry) return [];
        if (folder is null) throw new LinuxException($"list {Path.Combine(FullPath, path)}", errorNumber);

        // The open folder itself is listed, so nobody can put a link in its place meanwhile.
        return [.. Directory.EnumerateFileSystemEntries($"/proc/self/fd/{folder.DangerousGetHandle()}").Select(entry => Path.GetFileName(entry))];
    }

    public void Dispose() => root.Dispose();

    /// <summary>For crash points, whose names must not hold ids.</summary>
    private static string TopOf(string path) => path.Split('/')[0] is var top && top.StartsWith(".tmp-", StringComparison.Ordinal) ? "tmp" : top;

    private static void Sync(SafeFileHandle folder, string path)
    {
        if (Libc.fsync(folder) != 0) throw LinuxException.Last($"make {path} durable");
    }

    /// <summary>Not durable name by name: thousands of them would take minutes, and only the folder itself counts.</summary>
    private void DeleteContent(string path)
    {
        foreach (var name in List(path))
        {
            var inner = Path.Combine(path, name);
            var isFolder = Find(inner) is { Kind: FileKind.Directory };
            if (isFolder) DeleteContent(inner);
            Delete(inner, isFolder ? Libc.AtRemoveDirectory : 0, durably: false);
        }
    }

    private bool Delete(string path, int flags, bool durably)
    {
        try
        {
            using var parent = OpenParent(path, out var name);
            if (Libc.unlinkat(parent, name, flags) != 0) throw LinuxException.Last($"delete {Path.Combine(FullPath, path)}");
            if (durably) Sync(parent, path);
            return true;
        }
        catch (LinuxException error) when (error.ErrorNumber == Errno.NoEntry)
        {
            return false;
        }
    }

    private SafeFileHandle OpenParent(string path, out string name)
    {
        name = Path.GetFileName(path);
        if (name.Length == 0 || name is "." or "..") throw new ArgumentException($"\"{path}\" names no file in {FullPath}", nameof(path));
        var folder = Path.GetDirectoryName(path);
        return OpenFile(string.IsNullOrEmpty(folder) ? "." : folder, OpenFlags.Directory);
    }

    private SafeFileHandle? TryOpen(string path, OpenFlags flags, UnixFileMode mode, out int errorNumber)
    {
        var how = new Libc.OpenHow
        {
            Flags = (ulong)flags | Libc.OpenCloseOnExec,
            Mode = flags.HasFlag(OpenFlags.Create) ? (ulong)mode : 0, // the kernel refuses a mode where nothing is created
            Resolve = ResolveNoMountPoints | ResolveNoMagicLinks | ResolveNoSymbolicLinks | ResolveBeneath,
        };
        long number;
        do
        {
            // EAGAIN: a folder on the way was renamed while the kernel looked.
            number = Libc.openat2(Libc.SyscallOpenat2, root, path, ref how, (nuint)Marshal.SizeOf<Libc.OpenHow>());
            errorNumber = number < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (errorNumber is Errno.TryAgain or Errno.Interrupted);
        return number < 0 ? null : new((nint)number, ownsHandle: true);
    }
}
