using System.Buffers.Binary;
using System.Text;

namespace Lamina.Server.Images;

/// <summary>
/// Whether a VMDK is one whole disk in one file (pure). A VMDK's descriptor is text that can name other files as extents or as parent, and
/// QEMU would open them. Source: VMware's "Virtual Disk Format 5.0"; QEMU's block/vmdk.c (VMDK4Header).
/// </summary>
internal static class VmdkSource
{
    private const int SectorBytes = 512;
    private const int DescriptionSectors = 20;

    /// <summary>Null when the file may be read; else why not, as a whole sentence.</summary>
    /// <param name="start">The file's first bytes, <see cref="ImageFormats.StartBytes"/> or all of it.</param>
    /// <param name="sizeBytes">The file's length.</param>
    public static string? Refusal(ReadOnlySpan<byte> start, long sizeBytes)
    {
        if (!start.StartsWith("KDMV"u8))
        {
            return "The upload is only the description of a VMDK, which names other files that are never opened: export the disk as one file (streamOptimized or monolithicSparse).";
        }

        if (start.Length < SectorBytes)
        {
            return "The upload is no usable VMDK: its header is cut off.";
        }

        // Capacity 0 makes QEMU take the embedded description for a list of extents in other files.
        if (BinaryPrimitives.ReadUInt64LittleEndian(start[12..]) == 0)
        {
            return "The upload is a VMDK without data of its own, which points to other files that are never opened: export the disk as one file.";
        }

        var offset = BinaryPrimitives.ReadUInt64LittleEndian(start[28..]);
        var sectors = BinaryPrimitives.ReadUInt64LittleEndian(start[36..]);
        var readable = (ulong)start.Length / SectorBytes;
        if (offset > readable || sectors > readable - offset || offset * SectorBytes >= (ulong)sizeBytes)
        {
            return "The upload is no usable VMDK: its description lies outside of the first sectors.";
        }

        // Where the header says, and where QEMU looks for a parent whatever the header says.
        return DescriptionRefusal(Text(start, (int)offset, Math.Max((int)sectors, DescriptionSectors))) ?? DescriptionRefusal(Text(start, 1, DescriptionSectors));
    }

    private static string Text(ReadOnlySpan<byte> start, int sector, int sectors)
    {
        var from = Math.Min(sector * SectorBytes, start.Length);
        return Encoding.Latin1.GetString(start[from..Math.Min(from + sectors * SectorBytes, start.Length)]);
    }

    private static string? DescriptionRefusal(string description)
    {
        if (description.Contains("parentFileNameHint", StringComparison.OrdinalIgnoreCase) || HasParent(description))
        {
            return "The upload is a VMDK that is a difference to another disk, which is never opened: consolidate its snapshots and export the whole disk.";
        }

        return null;
    }

    // parentCID=ffffffff is "none".
    private static bool HasParent(string description)
    {
        const string Name = "parentCID";
        for (var at = description.IndexOf(Name, StringComparison.OrdinalIgnoreCase); at >= 0; at = description.IndexOf(Name, at + 1, StringComparison.OrdinalIgnoreCase))
        {
            var value = description[(at + Name.Length)..].TrimStart(' ', '\t', '=');
            if (!value.StartsWith("ffffffff", StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
