using System.Buffers.Binary;
using System.Text;

namespace Lamina.Server.Images;

/// <summary>
/// The header of a qcow2 file: read before any tool opens the file, and written for new disks (which spares a qemu-img process at each
/// start). All numbers are big-endian. Source: QEMU's docs/interop/qcow2.txt.
/// </summary>
internal sealed record Qcow2Header
{
    public const uint Magic = 0x514649FB;

    /// <summary>Bytes of a file that must be at hand to read the header with its extensions.</summary>
    public const int NeededBytes = 64 * 1024;

    /// <summary>The longest name of a backing file that the format allows.</summary>
    public const int MaxBackingNameBytes = 1023;

    internal const int VersionThreeBytes = 104;
    internal const uint ExtensionBackingFormat = 0xE2792ACA;
    internal const uint ExtensionDataFile = 0x44415441;
    private const ulong IncompatibleDataFile = 1UL << 2;

    public required int Version { get; init; }
    public required ulong VirtualSizeBytes { get; init; }
    public int ClusterBits { get; init; } = 16;

    /// <summary>The file on which this one is built; opening it would read whatever it names.</summary>
    public string? BackingFile { get; init; }

    /// <summary>Guest data lies in another file, which opening this one would read.</summary>
    public bool HasDataFile { get; init; }
    public bool Encrypted { get; init; }

    /// <summary>Reads a header; null with <paramref name="problem"/> when the bytes are not one.</summary>
    /// <param name="start">The file's first bytes, <see cref="NeededBytes"/> or the whole file.</param>
    /// <param name="problem">What is wrong, as the end of a sentence.</param>
    public static Qcow2Header? Read(ReadOnlySpan<byte> start, out string problem)
    {
        problem = "";
        if (start.Length < 72 || BinaryPrimitives.ReadUInt32BigEndian(start) != Magic)
        {
            problem = "it does not begin with a qcow2 header";
            return null;
        }

        var version = BinaryPrimitives.ReadUInt32BigEndian(start[4..]);
        if (version is not (2 or 3))
        {
            problem = $"its qcow version is {version}, and only 2 and 3 can be read";
            return null;
        }

        if (version == 3 && start.Length < VersionThreeBytes)
        {
            problem = "its header is cut off";
            return null;
        }

        var backingOffset = BinaryPrimitives.ReadUInt64BigEndian(start[8..]);
        var backingLength = BinaryPrimitives.ReadUInt32BigEndian(start[16..]);
        var extensions = version == 3 ? BinaryPrimitives.ReadUInt32BigEndian(start[100..]) : 72;
        return new Qcow2Header
        {
            Version = (int)version,
            ClusterBits = (int)BinaryPrimitives.ReadUInt32BigEndian(start[20..]),
            VirtualSizeBytes = BinaryPrimitives.ReadUInt64BigEndian(start[24..]),
            Encrypted = BinaryPrimitives.ReadUInt32BigEndian(start[32..]) != 0,
            BackingFile = backingOffset == 0 ? null : BackingName(start, backingOffset, backingLength),
            HasDataFile = (version == 3 && (BinaryPrimitives.ReadUInt64BigEndian(start[72..]) & IncompatibleDataFile) != 0)
                || HasExtension(start, extensions, ExtensionDataFile),
        };
    }

    // A name that cannot be read is still a name: whoever asks only whether there is one must not be told "none".
    private static string BackingName(ReadOnlySpan<byte> start, ulong offset, uint length) =>
        offset < (ulong)start.Length && length <= MaxBackingNameBytes && length <= (ulong)start.Length - offset
            ? Encoding.UTF8.GetString(start.Slice((int)offset, (int)length))
            : "(a name outside of the header)";

    private static bool HasExtension(ReadOnlySpan<byte> start, uint offset, uint wanted)
    {
        while (offset <= start.Length - 8)
        {
            var type = BinaryPrimitives.ReadUInt32BigEndian(start[(int)offset..]);
            var length = BinaryPrimitives.ReadUInt32BigEndian(start[((int)offset + 4)..]);
            if (type == wanted)
            {
                return true;
            }

            if (type == 0 || length > start.Length)
            {
                return false;
            }

            offset += 8 + ((length + 7) & ~7u);
        }

        return false;
    }
}
