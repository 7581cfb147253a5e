using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Pools;

/// <summary>
/// Proves from this host that a shared pool is the same folder for others and that locks hold between them: each host keeps a file of its own in the pool, locked
/// as QEMU locks images, with a content that only who sees the same folder can read; each reads the others' files and tries their locks.
/// </summary>
/// <param name="hostId">This host.</param>
/// <param name="tryLock">Null: <see cref="OpenFileLock.TryTake"/>.</param>
internal sealed class SharedPoolProof(string hostId, Func<SafeFileHandle, bool>? tryLock = null) : IDisposable
{
    /// <summary>Of the folder in which each host has its file.</summary>
    public const string Folder = ".lamina-hosts";

    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Func<SafeFileHandle, bool> _tryLock = tryLock ?? OpenFileLock.TryTake;
    private readonly ConcurrentDictionary<string, Own> _own = new(StringComparer.Ordinal);

    /// <summary>Looks at the pool; what it found stands in the status.</summary>
    /// <param name="paths">The pool, which bears its mark here.</param>
    /// <param name="poolId">Its id.</param>
    /// <param name="hosts">What each host has said, this one included.</param>
    /// <exception cref="LinuxException">It cannot be read or written here.</exception>
    public PoolHostStatus Look(PoolPaths paths, string poolId, IReadOnlyList<(string Host, PoolHostStatus Status)> hosts)
    {
        var own = Keep(paths, poolId);
        var sees = new List<string>();
        var lockedOut = new List<string>();
        var notLockedOut = new List<string>();
        var proved = hosts.FirstOrDefault(known => known.Host == hostId).Status?.LockedOutBy ?? [];
        using var root = RootedDirectory.Open(paths.Root);
        foreach (var (host, status) in hosts.Where(other => other.Host != hostId && other.Status.Available))
        {
            if (root.Find(FileOf(host)) is null) continue;
            using var file = root.OpenFile(FileOf(host), OpenFlags.ReadWrite);
            if (Read(file) != status.Nonce) continue;
            sees.Add(host);
            // What was proved between the two stays so, and is not tried again: a daemon that starts would find its own file locked, and an NFS server
            // forgets all locks of a host whose lease has ended, those of its guests' disks as well, as soon as somebody asks for one of them.
            (proved.Contains(host) || !_tryLock(file) ? lockedOut : notLockedOut).Add(host);
        }

        return new PoolHostStatus
        {
            Available = true,
            Nonce = own.Nonce,
            Sees = sees,
            LockedOutBy = lockedOut,
            NotLockedOutBy = notLockedOut,
            FileSystem = PoolFolder.FileSystem(paths.Root)?.Words,
        };
    }

    /// <summary>What this host says when it does not find the pool.</summary>
    public PoolHostStatus Away(string poolId, Failure failure)
    {
        Forget(poolId);
        return new PoolHostStatus { Available = false, Nonce = "", Failure = failure };
    }

    /// <summary>Lets go of a pool: its lock here is given back.</summary>
    public void Forget(string poolId)
    {
        if (_own.TryRemove(poolId, out var own)) own.File.Dispose();
    }

    public void Dispose()
    {
        foreach (string pool in _own.Keys) Forget(pool);
    }

    /// <summary>Makes and locks this host's file once in the daemon's life, and anew when another one is in its place: another folder was mounted, perhaps a copy.</summary>
    private Own Keep(PoolPaths paths, string poolId)
    {
        using var root = RootedDirectory.Open(paths.Root);
        if (_own.TryGetValue(poolId, out var known))
        {
            if (root.Find(FileOf(hostId))?.Identity == known.Identity && ReadAt(root) == known.Nonce) return known;
            Forget(poolId);
        }

        root.CreateDirectory(Folder);
        var file = root.OpenFile(FileOf(hostId), OpenFlags.ReadWrite | OpenFlags.Create, Private);
        try
        {
            if (!_tryLock(file)) throw new IOException($"the file {FileOf(hostId)} of this host is locked by somebody else: two daemons bear one identity");
            string nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
            RandomAccess.SetLength(file, 0);
            RandomAccess.Write(file, Encoding.ASCII.GetBytes(nonce), 0);
            RandomAccess.FlushToDisk(file);
            return _own[poolId] = new Own(nonce, file, FileFacts.Read(file).Identity);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private string ReadAt(RootedDirectory root)
    {
        using var file = root.OpenFile(FileOf(hostId), OpenFlags.ReadOnly);
        return Read(file);
    }

    private static string Read(SafeFileHandle file)
    {
        Span<byte> content = stackalloc byte[64];
        return Encoding.ASCII.GetString(content[..RandomAccess.Read(file, content, 0)]);
    }

    private static string FileOf(string host) => Path.Join(Folder, host);

    private sealed record Own(string Nonce, SafeFileHandle File, FileIdentity Identity);
}
