using System.Buffers;
using System.Collections.Concurrent;
using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Pools;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Images;

/// <summary>
/// The files of uploads. How much of one has come is its length: written data is made durable before an answer says so, so that a crash loses
/// nothing that a client believes to be there. Never more than one writer at a time.
/// </summary>
internal sealed class HostUploads(HostPools pools)
{
    // Readable by the unprivileged qemu-img through a descriptor; the folder lets nobody in by path.
    private const UnixFileMode ReadableFile = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
    private const int ChunkBytes = 256 * 1024;

    private readonly ConcurrentDictionary<string, bool> _busy = new(StringComparer.Ordinal);

    /// <summary>Whether this host takes it in.</summary>
    public bool IsMine(UploadSpec spec) => spec.Host is { } host ? host == pools.HostId : pools.IsHere(spec.Pool);

    /// <summary>How many bytes are there.</summary>
    public long OffsetOf(string uploadId, UploadSpec spec)
    {
        using var root = RootedDirectory.Open(pools.PathsOf(spec.Pool).Root);
        return root.Find(NameOf(uploadId))?.SizeBytes ?? 0;
    }

    /// <summary>When bytes came last; null: none have.</summary>
    public DateTimeOffset? LastWrite(string uploadId, UploadSpec spec)
    {
        var file = new FileInfo(pools.PathsOf(spec.Pool).Upload(uploadId));
        return file.Exists ? file.LastWriteTimeUtc : null;
    }

    /// <summary>Promises the room of uploads of an earlier run of the daemon again. Once, at the start.</summary>
    public void Restore(IEnumerable<(string Id, UploadSpec Spec)> known)
    {
        foreach (var (id, spec) in known.Where(upload => IsMine(upload.Spec))) pools.Restore(spec.Pool, id, spec.SizeBytes - OffsetOf(id, spec));
    }

    /// <summary>Appends what comes, until the body or the upload ends.</summary>
    /// <param name="uploadId">The upload.</param>
    /// <param name="spec">Its record.</param>
    /// <param name="offset">Where the client goes on; it must be where the file ends.</param>
    /// <param name="body">Streamed, never held in memory.</param>
    /// <param name="cancellation">The line broke: what has come stays.</param>
    /// <returns>The new offset.</returns>
    /// <exception cref="ProblemException">Wrong offset, another writer, more than was announced, or a full pool.</exception>
    public async Task<long> AppendAsync(string uploadId, UploadSpec spec, long offset, Stream body, CancellationToken cancellation)
    {
        if (!_busy.TryAdd(uploadId, true))
            throw ProblemException.Conflict("upload.busy", $"Upload {uploadId} is being written by another request.", "Wait for that one to end, ask for the offset with HEAD, and go on from there.");
        try
        {
            using var file = Open(uploadId, spec, OpenFlags.ReadWrite | OpenFlags.Create);
            var length = RandomAccess.GetLength(file);
            if (offset != length)
                throw ProblemException.Conflict("upload.offset", $"Upload {uploadId} has {length} bytes, and the request goes on at {offset}.", $"Go on at {length}, as HEAD tells.");
            return await AppendAsync(uploadId, spec, file, offset, body, cancellation);
        }
        finally
        {
            _busy.TryRemove(uploadId, out _);
        }
    }

    /// <summary>Opens a finished upload for reading.</summary>
    /// <exception cref="ProblemException">It is not finished.</exception>
    public SafeFileHandle OpenFinished(string uploadId, UploadSpec spec)
    {
        var offset = OffsetOf(uploadId, spec);
        if (offset != spec.SizeBytes)
            throw ProblemException.Conflict("upload.unfinished", $"Upload {uploadId} has {offset} of {spec.SizeBytes} bytes.", "Send the rest first.");
        return Open(uploadId, spec, OpenFlags.ReadOnly);
    }

    /// <summary>Removes the file and gives its room back. Call it when the record is gone.</summary>
    public void Delete(string uploadId, string poolId)
    {
        using var root = RootedDirectory.Open(pools.PathsOf(poolId).Root);
        root.DeleteFile(NameOf(uploadId));
        pools.Release(uploadId);
    }

    /// <summary>The path within the pool.</summary>
    internal static string NameOf(string uploadId) => Path.Join("uploads", uploadId);

    private async Task<long> AppendAsync(string uploadId, UploadSpec spec, SafeFileHandle file, long offset, Stream body, CancellationToken cancellation)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        var start = offset;
        try
        {
            int count;
            while ((count = await body.ReadAsync(buffer.AsMemory(0, ChunkBytes), cancellation)) > 0)
            {
                if (offset + count > spec.SizeBytes) throw TooLong(uploadId, spec, file, start);
                await RandomAccess.WriteAsync(file, buffer.AsMemory(0, count), offset, CancellationToken.None);
                offset += count;
                CrashPoints.Reached("upload", "append", "after");
                pools.Keep(uploadId, spec.SizeBytes - offset);
            }

            return offset;
        }
        catch (IOException problem) when (problem.HResult == Errno.NoSpace)
        {
            throw new ProblemException(
                ProblemKind.NoSpace, PoolAccounting.PoolFull, $"The pool is full: upload {uploadId} stopped at {offset} of {spec.SizeBytes} bytes.",
                "Make room in the pool; the upload then goes on where it stopped.", problem);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            RandomAccess.FlushToDisk(file);
        }
    }

    /// <summary>A body that is longer than what was announced is another file: nothing of it is kept, however it came in pieces.</summary>
    private ProblemException TooLong(string uploadId, UploadSpec spec, SafeFileHandle file, long start)
    {
        RandomAccess.SetLength(file, start);
        pools.Keep(uploadId, spec.SizeBytes - start);
        return new ProblemException(
            ProblemKind.TooLarge, "upload.tooLong", $"Upload {uploadId} was announced with {spec.SizeBytes} bytes, and more came.", "Announce the file's real size.");
    }

    private SafeFileHandle Open(string uploadId, UploadSpec spec, OpenFlags flags)
    {
        using var root = RootedDirectory.Open(pools.PathsOf(spec.Pool).Root);
        return root.OpenFile(NameOf(uploadId), flags, ReadableFile);
    }
}
