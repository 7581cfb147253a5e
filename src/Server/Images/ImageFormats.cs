using System.Buffers.Binary;

namespace Lamina.Server.Images;

/// <summary>The formats that an image is imported from.</summary>
internal enum SourceFormat
{
    Raw,
    Qcow2,
    Vmdk,
    Vhdx,
    Vdi,
}

/// <summary>What an uploaded file is, or why it is refused.</summary>
/// <param name="Format">Null when refused.</param>
/// <param name="Refusal">A whole sentence for people; null when the file may be handed to qemu-img.</param>
internal sealed record DetectedFormat(SourceFormat? Format, string? Refusal)
{
    /// <summary>The name of QEMU's driver, always given to it: it never guesses from content.</summary>
    public string Driver => Format switch
    {
        SourceFormat.Qcow2 => "qcow2",
        SourceFormat.Vmdk => "vmdk",
        SourceFormat.Vhdx => "vhdx",
        SourceFormat.Vdi => "vdi",
        _ => "raw",
    };
}

/// <summary>
/// Tells the format of an uploaded file from its own bytes (pure), and refuses every file that would make a reader open another one:
/// backing files, external data, extents, parents. Nothing here opens anything; <see cref="ImageImport"/> hands over what is left to an
/// unprivileged qemu-img, which is the second wall. Sources: QEMU's docs/interop/qcow2.txt and block/{vmdk,vdi,vhdx}.c, VMware's "Virtual Disk
/// Format 5.0", Microsoft's "VHDX Format Specification".
/// </summary>
internal static class ImageFormats
{
    /// <summary>How much of the file's start is looked at.</summary>
    public const int StartBytes = 256 * 1024;

    /// <summary>Formats that are known and not taken, so that none of them is imported as a raw disk of garbage.</summary>
    private static readonly (int Offset, byte[] Magic, string Name)[] Unsupported =
    [
        (0, [0x1F, 0x8B], "compressed with gzip: unpack it first (gunzip)"),
        (0, [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z'], "compressed with xz: unpack it first (unxz)"),
        (0, [0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd: unpack it first (unzstd)"),
        (0, [(byte)'B', (byte)'Z', (byte)'h'], "compressed with bzip2: unpack it first (bunzip2)"),
        (0, [(byte)'P', (byte)'K', 3, 4], "a ZIP archive: unpack it first"),
        (0, [(byte)'7', (byte)'z', 0xBC, 0xAF], "a 7z archive: unpack it first"),
        (257, "ustar"u8.ToArray(), "a tar archive or OVA: unpack it and import the disk inside"),
        (0, "conectix"u8.ToArray(), "an older VHD: convert it to VHDX first"),
        (0, "COWD"u8.ToArray(), "an extent of a VMware ESX disk: export the whole disk as one file (streamOptimized)"),
        (0, "QED\0"u8.ToArray(), "of the retired format QED: convert it to qcow2 first"),
        (0, [(byte)'L', (byte)'U', (byte)'K', (byte)'S', 0xBA, 0xBE], "encrypted with LUKS: an image is not encrypted"),
        (0, "WithoutFreeSpace"u8.ToArray(), "a Parallels disk: convert it to qcow2 first"),
        (0, "WithouFreSpacExt"u8.ToArray(), "a Parallels disk: convert it to qcow2 first"),
    ];

    /// <summary>Detects the format, or says why the file is refused.</summary>
    /// <param name="start">The file's first <see cref="StartBytes"/>, or all of it.</param>
    /// <param name="sizeBytes">The file's length.</param>
    public static DetectedFormat Detect(ReadOnlySpan<byte> start, long sizeBytes)
    {
        if (start.Length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(start) == Qcow2Header.Magic)
        {
            return Qcow2(start);
        }

        if (start.StartsWith("KDMV"u8) || IsVmdkDescriptor(start))
        {
            return VmdkSource.Refusal(start, sizeBytes) is { } why ? Refuse(why) : new DetectedFormat(SourceFormat.Vmdk, null);
        }

        if (start.StartsWith("vhdxfile"u8))
        {
            return new DetectedFormat(SourceFormat.Vhdx, null);
        }

        if (start.Length >= 0x1C8 && BinaryPrimitives.ReadUInt32LittleEndian(start[0x40..]) == 0xBEDA107F)
        {
            return Vdi(start);
        }

        return Raw(start, sizeBytes);
    }

    private static DetectedFormat Qcow2(ReadOnlySpan<byte> start) => Qcow2Header.Read(start, out var problem) switch
    {
        null => Refuse($"The upload is no usable qcow2 file: {problem}."),
        { BackingFile: { } name } => Refuse($"The upload is a qcow2 overlay on another file ({Printable(name)}), which is not in it and is never opened: flatten it first (qemu-img convert -O qcow2)."),
        { HasDataFile: true } => Refuse("The upload is a qcow2 file whose data lies in another file, which is never opened: flatten it first (qemu-img convert -O qcow2)."),
        { Encrypted: true } => Refuse("The upload is an encrypted qcow2 file: decrypt it first."),
        { ClusterBits: < 9 or > 21 } => Refuse("The upload is no usable qcow2 file: its cluster size is impossible."),
        _ => new DetectedFormat(SourceFormat.Qcow2, null),
    };

    // A VDI whose parent link is set is a difference to another disk. Offsets: VdiHeader in QEMU's block/vdi.c.
    private static DetectedFormat Vdi(ReadOnlySpan<byte> start) =>
        start[0x1A8..0x1C8].ContainsAnyExcept((byte)0)
            ? Refuse("The upload is a VDI difference to another disk: clone it to one whole disk first (VBoxManage clonemedium).")
            : new DetectedFormat(SourceFormat.Vdi, null);

    private static DetectedFormat Raw(ReadOnlySpan<byte> start, long sizeBytes)
    {
        foreach (var (offset, magic, name) in Unsupported)
        {
            if (start.Length >= offset + magic.Length && start[offset..].StartsWith(magic))
            {
                return Refuse($"The upload is {name}.");
            }
        }

        if (sizeBytes < 512)
        {
            return Refuse($"The upload has {sizeBytes} bytes, which is less than one sector: it is no disk.");
        }

        var bootable = start.Length >= 512 && start[510] == 0x55 && start[511] == 0xAA;
        return !bootable && start.Length > 0x8006 && start[0x8001..].StartsWith("CD001"u8)
            ? Refuse("The upload is an ISO, not a disk: upload it with lamina iso upload.")
            : new DetectedFormat(SourceFormat.Raw, null);
    }

    // As QEMU probes it: blank lines and other comments may stand before.
    private static bool IsVmdkDescriptor(ReadOnlySpan<byte> start) =>
        start.TrimStart(" \t\r\n"u8).StartsWith("#"u8) && start[..Math.Min(start.Length, 2048)].IndexOf("# Disk DescriptorFile"u8) >= 0;

    private static DetectedFormat Refuse(string why) => new(null, why);

    private static string Printable(string name) => string.Concat(name.Take(100).Select(c => char.IsControl(c) ? '?' : c));
}
