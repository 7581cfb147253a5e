using System.Buffers.Binary;
using System.Text;

namespace Lamina.Server.Images;

/// <summary>
/// The bytes of a new qcow2 file without data (pure): version 3, clusters of 64 KiB, 16-bit reference counts, all guest clusters
/// unallocated. Layout in clusters: 0 header, 1 reference table, 2 reference block, 3… first-level table.
/// Source: QEMU's docs/interop/qcow2.txt.
/// </summary>
internal static class Qcow2Writer
{
    public const int ClusterBytes = 1 << ClusterBits;

    private const int ClusterBits = 16;
    private const int FirstLevelCluster = 3;

    /// <summary>One entry of the first-level table stands for one second-level cluster of 8-byte entries, a cluster each.</summary>
    private const long BytesPerFirstLevelEntry = (long)ClusterBytes / 8 * ClusterBytes;

    /// <summary>Makes the file's content.</summary>
    /// <param name="virtualSizeBytes">What the guest sees; a multiple of 512.</param>
    /// <param name="backingFile">Name of the file below; null: none.</param>
    /// <param name="backingIsRaw">That file is raw, not qcow2.</param>
    /// <exception cref="ArgumentException">The size or the name is beyond what the format takes.</exception>
    public static byte[] Empty(long virtualSizeBytes, string? backingFile, bool backingIsRaw = false)
    {
        if (virtualSizeBytes <= 0 || virtualSizeBytes % 512 != 0)
        {
            throw new ArgumentException($"A disk of {virtualSizeBytes} bytes cannot be made: sizes are multiples of 512.", nameof(virtualSizeBytes));
        }

        var entries = checked((int)((virtualSizeBytes + BytesPerFirstLevelEntry - 1) / BytesPerFirstLevelEntry));
        var tableClusters = (entries * 8 + ClusterBytes - 1) / ClusterBytes;
        var clusters = FirstLevelCluster + tableClusters;
        if (clusters > ClusterBytes / 2)
        {
            throw new ArgumentException($"A disk of {virtualSizeBytes} bytes is too large for one reference block.", nameof(virtualSizeBytes));
        }

        var file = new byte[clusters * ClusterBytes];
        WriteHeader(file, virtualSizeBytes, entries, backingFile, backingIsRaw);
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(ClusterBytes), 2 * ClusterBytes);
        for (var cluster = 0; cluster < clusters; cluster++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(file.AsSpan(2 * ClusterBytes + cluster * 2), 1);
        }

        return file;
    }

    private static void WriteHeader(Span<byte> header, long virtualSizeBytes, int entries, string? backingFile, bool backingIsRaw)
    {
        BinaryPrimitives.WriteUInt32BigEndian(header, Qcow2Header.Magic);
        BinaryPrimitives.WriteUInt32BigEndian(header[4..], 3);
        BinaryPrimitives.WriteUInt32BigEndian(header[20..], ClusterBits);
        BinaryPrimitives.WriteUInt64BigEndian(header[24..], (ulong)virtualSizeBytes);
        BinaryPrimitives.WriteUInt32BigEndian(header[36..], (uint)entries);
        BinaryPrimitives.WriteUInt64BigEndian(header[40..], FirstLevelCluster * ClusterBytes);
        BinaryPrimitives.WriteUInt64BigEndian(header[48..], ClusterBytes);
        BinaryPrimitives.WriteUInt32BigEndian(header[56..], 1);
        BinaryPrimitives.WriteUInt32BigEndian(header[96..], 4); // reference counts of 2^4 bits
        BinaryPrimitives.WriteUInt32BigEndian(header[100..], Qcow2Header.VersionThreeBytes);
        if (backingFile is not null)
        {
            WriteBacking(header, backingFile, backingIsRaw ? "raw"u8 : "qcow2"u8);
        }
    }

    // The format of the backing file is written down, so that no tool ever guesses it from content that a guest controls.
    private static void WriteBacking(Span<byte> header, string backingFile, ReadOnlySpan<byte> format)
    {
        var name = Encoding.UTF8.GetBytes(backingFile);
        if (name.Length is 0 or > Qcow2Header.MaxBackingNameBytes)
        {
            throw new ArgumentException($"“{backingFile}” cannot be the name of a backing file.", nameof(backingFile));
        }

        var extension = header[Qcow2Header.VersionThreeBytes..];
        BinaryPrimitives.WriteUInt32BigEndian(extension, Qcow2Header.ExtensionBackingFormat);
        BinaryPrimitives.WriteUInt32BigEndian(extension[4..], (uint)format.Length);
        format.CopyTo(extension[8..]);
        const int NameOffset = Qcow2Header.VersionThreeBytes + 16 + 8; // the extension, padded to 8, then the ending extension
        name.CopyTo(header[NameOffset..]);
        BinaryPrimitives.WriteUInt64BigEndian(header[8..], NameOffset);
        BinaryPrimitives.WriteUInt32BigEndian(header[16..], (uint)name.Length);
    }
}
