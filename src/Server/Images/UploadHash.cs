using System.Buffers;
using System.Security.Cryptography;
using Lamina.Server.Images.Catalogue;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Images;

/// <summary>The checksums of an upload: SHA-256, which is recorded, and the kind that was given, which is compared.</summary>
internal static class UploadHash
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Reads the whole file.</summary>
    /// <param name="file">The finished upload.</param>
    /// <param name="expected">Null: nothing was said.</param>
    /// <param name="onPercent">0–100.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>SHA-256 in lower-case hexadecimal.</returns>
    /// <exception cref="ProblemException">The content has another checksum than was expected.</exception>
    public static async Task<string> ComputeAsync(SafeFileHandle file, ContentDigest? expected, Action<int> onPercent, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var longer = expected is { Algorithm: ContentDigest.Sha512 } ? IncrementalHash.CreateHash(HashAlgorithmName.SHA512) : null;
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            var size = RandomAccess.GetLength(file);
            int count;
            for (var offset = 0L; (count = await RandomAccess.ReadAsync(file, buffer.AsMemory(0, ChunkBytes), offset, cancellation)) > 0; offset += count)
            {
                hash.AppendData(buffer, 0, count);
                longer?.AppendData(buffer, 0, count);
                onPercent((int)Math.Min(100, 100 * (offset + count) / size));
            }

            string sha256 = Convert.ToHexStringLower(hash.GetHashAndReset());
            Require(expected, longer is null ? sha256 : Convert.ToHexStringLower(longer.GetHashAndReset()));
            return sha256;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The file's first bytes, for telling what it is.</summary>
    public static byte[] ReadStart(SafeFileHandle file, int bytes)
    {
        var start = new byte[(int)Math.Min(bytes, RandomAccess.GetLength(file))];
        var read = 0;
        int count;
        while (read < start.Length && (count = RandomAccess.Read(file, start.AsSpan(read), read)) > 0) read += count;
        return start[..read];
    }

    private static void Require(ContentDigest? expected, string computed)
    {
        if (expected is null || expected.Hex == computed) return;
        throw new ProblemException(
            ProblemKind.Unprocessable, expected.Algorithm + ".mismatch", $"The content's {(expected.Algorithm == ContentDigest.Sha256 ? "SHA-256" : "SHA-512")} is {computed}, and {expected.Hex} was expected.",
            "It was damaged on its way or is another one: delete the upload, then send or pull the right file.");
    }
}
