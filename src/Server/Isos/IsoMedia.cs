using System.Text;
using Lamina.Api;
using Lamina.Server.OperatingSystems;

namespace Lamina.Server.Isos;

/// <summary>What a medium turned out to be.</summary>
/// <param name="Refusal">Why it is not what it is said to be, as a whole sentence with a remedy; null: it is.</param>
/// <param name="Label">Volume label of an ISO 9660 medium.</param>
/// <param name="Volume">All that an ISO 9660 medium says of itself.</param>
internal sealed record IsoMediaCheck(string? Refusal, string? Label = null, IsoVolume? Volume = null);

/// <summary>
/// Whether a file is the kind of medium that it was uploaded as (pure), told by its own bytes. Sources: ECMA-119 (ISO 9660) 8.4, ECMA-167
/// (UDF) 2/9, Linux' Documentation/arch/x86/boot.rst, Documentation/driver-api/early-userspace/buffer-format.rst.
/// </summary>
internal static class IsoMedia
{
    /// <summary>How much of the file's start is looked at: up to the first volume descriptor.</summary>
    public const int StartBytes = VolumeDescriptor + 2048;

    private const int VolumeDescriptor = 16 * 2048;

    private static readonly long[] FloppySizes = [163840, 184320, 327680, 368640, 737280, 1228800, 1474560, 1720320, 2949120];

    private static readonly byte[][] InitrdMagics =
    [
        [0x1F, 0x8B], [.. "070701"u8], [.. "070702"u8], [0x28, 0xB5, 0x2F, 0xFD], [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0],
        [0x02, 0x21, 0x4C, 0x18], [.. "BZh"u8], [0x5D, 0, 0], [0x89, (byte)'L', (byte)'Z', (byte)'O'],
    ];

    /// <summary>Checks the file.</summary>
    /// <param name="kind">What it was uploaded as.</param>
    /// <param name="start">Its first <see cref="StartBytes"/>, or all of it.</param>
    /// <param name="sizeBytes">Its length.</param>
    public static IsoMediaCheck Check(IsoKind kind, ReadOnlySpan<byte> start, long sizeBytes) => kind switch
    {
        IsoKind.Iso => CheckIso(start),
        IsoKind.Floppy => CheckFloppy(sizeBytes),
        IsoKind.Kernel => CheckKernel(start),
        _ => CheckInitrd(start),
    };

    private static IsoMediaCheck CheckIso(ReadOnlySpan<byte> start)
    {
        if (start.Length < StartBytes)
        {
            return new("The upload is no ISO: it is shorter than the 34 KiB that every ISO begins with. Check that the download was complete.");
        }

        var identifier = start.Slice(VolumeDescriptor + 1, 5);
        if (identifier.SequenceEqual("BEA01"u8))
        {
            return new(null); // UDF without an ISO 9660 bridge
        }

        return identifier.SequenceEqual("CD001"u8)
            ? new(null, Label(start.Slice(VolumeDescriptor + 40, 32)), IsoVolume.Read(start.Slice(VolumeDescriptor, 2048)))
            : new("The upload is no ISO: it has neither an ISO 9660 nor a UDF volume. A disk is imported with lamina image import, a floppy, kernel or initrd is uploaded as that kind.");
    }

    private static IsoMediaCheck CheckFloppy(long sizeBytes) => FloppySizes.Contains(sizeBytes)
        ? new(null)
        : new($"The upload is no floppy: it has {sizeBytes} bytes, and floppies have {string.Join(", ", FloppySizes)}.");

    private static IsoMediaCheck CheckKernel(ReadOnlySpan<byte> start)
    {
        var linux = start.Length > 0x206 && start[0x1FE] == 0x55 && start[0x1FF] == 0xAA && start.Slice(0x202, 4).SequenceEqual("HdrS"u8);
        return linux || start.StartsWith("\u007fELF"u8)
            ? new(null)
            : new("The upload is no kernel: it is neither a Linux bzImage (vmlinuz) nor an ELF file.");
    }

    private static IsoMediaCheck CheckInitrd(ReadOnlySpan<byte> start)
    {
        foreach (var magic in InitrdMagics)
        {
            if (start.StartsWith(magic))
            {
                return new(null);
            }
        }

        return new("The upload is no initial RAM disk: it is neither a cpio archive (newc) nor one compressed with gzip, xz, zstd, lz4, bzip2, lzma or lzo.");
    }

    // d-characters, space-padded; what people burn holds more, so show what can be shown.
    private static string? Label(ReadOnlySpan<byte> field)
    {
        var text = Encoding.Latin1.GetString(field).TrimEnd(' ', '\0');
        var shown = string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
        return shown.Length == 0 ? null : shown;
    }
}
