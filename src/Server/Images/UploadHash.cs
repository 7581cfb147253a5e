using System.Buffers;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Server.Images;

/// <summary>SHA-256 of an upload: what is recorded, and what a given checksum is compared with.</summary>
internal static class UploadHash
{
    private const int ChunkBytes = 1 << 20;

    /// <summary>Reads the whole file.</summary>
    /// <param name="file">The finished upload.</param>
    /// <param name="onPercent">0–100.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Lower-case hexadecimal.</returns>
    public static async Task<string> ComputeAsync(SafeFileHandle file, Action<int> onPercent, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        try
        {
            var size = RandomAccess.GetLength(file);
            int count;
            for (var offset = 0L; (count = await RandomAccess.ReadAsync(file, buffer.AsMemory(0, ChunkBytes), offset, cancellation)) > 0; offset += count)
            {
                hash.AppendData(buffer, 0, count);
                onPercent((int)Math.Min(100, 100 * (offset + count) / size));
            }

            return Convert.ToHexStringLower(hash.GetHashAndReset());
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Compares with what the user said.</summary>
    /// <param name="expected">Null: nothing was said.</param>
    /// <param name="computed">Of what came.</param>
    /// <exception cref="ProblemException">They differ.</exception>
    public static void Require(string? expected, string computed)
    {
        if (expected is null || string.Equals(expected, computed, StringComparison.OrdinalIgnoreCase)) return;
        throw new ProblemException(
            ProblemKind.Unprocessable, "sha256.mismatch", $"The upload's SHA-256 is {computed}, and {expected.ToLowerInvariant()} was expected.",
            "The file was damaged on its way or is another one: delete the upload and send the right file.");
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
}
