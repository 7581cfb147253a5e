using System.Buffers.Binary;
using System.Security.Cryptography;
using Lamina.Linux.Files;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Migration.Cold;

/// <summary>
/// A file on the wire, without its holes: frames of offset (8 bytes), length (4 bytes) and bytes, little-endian; the last has the length 0 and is followed by the
/// SHA-256 of all before it.
/// </summary>
internal static class ColdFrames
{
    private const int HeadBytes = 12;
    private const int ChunkBytes = 1 << 20;

    /// <param name="file">Nobody writes it.</param>
    /// <param name="to">Where it goes.</param>
    /// <param name="sent">Told the bytes of each frame once it is out; may wait.</param>
    /// <param name="cancellation">Gives it up.</param>
    public static async Task WriteAsync(SafeFileHandle file, Stream to, Func<long, Task> sent, CancellationToken cancellation)
    {
        byte[] frame = new byte[HeadBytes + ChunkBytes];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long position = 0;
        while (SparseCopy.NextData(file, position) is var (offset, end))
        {
            for (position = offset; position < end;)
            {
                int count = await RandomAccess.ReadAsync(file, frame.AsMemory(HeadBytes, (int)Math.Min(ChunkBytes, end - position)), position, cancellation);
                if (count == 0) throw new EndOfStreamException("a file became shorter while it was sent");
                await SendAsync(count);
                position += count;
                await sent(count);
            }
        }

        await SendAsync(0);
        await to.WriteAsync(hash.GetHashAndReset(), cancellation);

        async Task SendAsync(int count)
        {
            BinaryPrimitives.WriteInt64LittleEndian(frame, position);
            BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(8), count);
            hash.AppendData(frame, 0, HeadBytes + count);
            await to.WriteAsync(frame.AsMemory(0, HeadBytes + count), cancellation);
        }
    }

    /// <summary>Writes what comes into an empty file.</summary>
    /// <exception cref="InvalidDataException">It is not what was sent.</exception>
    /// <exception cref="EndOfStreamException">The line broke.</exception>
    public static async Task ReadAsync(Stream from, SafeFileHandle file, long sizeBytes, Action<long> came, CancellationToken cancellation)
    {
        byte[] frame = new byte[HeadBytes + ChunkBytes];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        RandomAccess.SetLength(file, sizeBytes);
        while (true)
        {
            await from.ReadExactlyAsync(frame.AsMemory(0, HeadBytes), cancellation);
            long offset = BinaryPrimitives.ReadInt64LittleEndian(frame);
            int count = BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(8));
            if (count < 0 || count > ChunkBytes || offset < 0 || offset > sizeBytes - count) throw new InvalidDataException("a piece lies outside of its file");
            await from.ReadExactlyAsync(frame.AsMemory(HeadBytes, count), cancellation);
            hash.AppendData(frame, 0, HeadBytes + count);
            if (count == 0) break;
            await RandomAccess.WriteAsync(file, frame.AsMemory(HeadBytes, count), offset, cancellation);
            came(count);
        }

        byte[] theirs = new byte[SHA256.HashSizeInBytes];
        await from.ReadExactlyAsync(theirs, cancellation);
        if (!hash.GetHashAndReset().AsSpan().SequenceEqual(theirs)) throw new InvalidDataException("its checksum is another one than that of what was sent");
        RandomAccess.FlushToDisk(file);
    }
}
