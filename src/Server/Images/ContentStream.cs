using System.Buffers;
using System.Security.Cryptography;
using Lamina.Api;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Images;

/// <summary>A content as it comes from where it lies.</summary>
/// <param name="body">Its bytes.</param>
/// <param name="sizeBytes">How many they are.</param>
/// <param name="sha256">Of the file where it lies, asked once the bytes are there.</param>
/// <param name="line">What is closed with it; null: nothing more.</param>
internal sealed class ContentStream(Stream body, long sizeBytes, Func<CancellationToken, Task<string>> sha256, IDisposable? line) : IAsyncDisposable
{
    private const int ChunkBytes = 1 << 20;

    public long SizeBytes { get; } = sizeBytes;

    /// <summary>Writes all of it; runs of zeros become holes.</summary>
    /// <returns>SHA-256 of what came, lower-case hexadecimal.</returns>
    /// <exception cref="ProblemException">The line broke.</exception>
    public async Task<string> CopyToAsync(SafeFileHandle target, Action<long> written, CancellationToken cancellation)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        long offset = 0;
        try
        {
            RandomAccess.SetLength(target, SizeBytes);
            int count;
            while ((count = await body.ReadAtLeastAsync(buffer.AsMemory(0, ChunkBytes), ChunkBytes, throwOnEndOfStream: false, cancellation)) > 0)
            {
                hash.AppendData(buffer, 0, count);
                if (buffer.AsSpan(0, count).ContainsAnyExcept((byte)0)) await RandomAccess.WriteAsync(target, buffer.AsMemory(0, count), offset, cancellation);
                written(offset += count);
            }
        }
        catch (Exception broken) when (broken is HttpRequestException or HttpIOException)
        {
            throw Broken(offset, broken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        return offset == SizeBytes ? Convert.ToHexStringLower(hash.GetHashAndReset()) : throw Broken(offset, null);
    }

    /// <exception cref="ProblemException">What came is not what lies there.</exception>
    public async Task CompareAsync(string came, string name, CancellationToken cancellation)
    {
        string there = await sha256(cancellation);
        if (came != there) throw new ProblemException(
            ProblemKind.Unavailable, "content.damaged", $"The copy of {name} has another checksum ({came}) than what it was copied from ({there}).", "Try again; if it happens again, test the network and both hosts' memory.");
    }

    public async ValueTask DisposeAsync()
    {
        await body.DisposeAsync();
        line?.Dispose();
    }

    private ProblemException Broken(long offset, Exception? cause) => new(
        ProblemKind.Unavailable, "content.broken", $"The copy broke off at {Sizes.Format(offset)} of {Sizes.Format(SizeBytes)}.", "Try again when the other host answers.", cause);
}
