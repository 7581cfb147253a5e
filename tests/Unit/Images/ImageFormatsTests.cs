using System.Buffers.Binary;
using System.Text;
using CsCheck;
using Lamina.Server.Images;

namespace Lamina.Tests.Unit.Images;

public class ImageFormatsTests
{
    private static readonly string[] Magics = ["KDMV", "QFI\u00fb", "# Disk DescriptorFile", "vhdxfile", ""];

    [Fact]
    public void A_qcow2_overlay_is_refused_with_the_file_it_names()
    {
        var found = Detect(Qcow2Writer.Empty(1 << 20, "/etc/shadow"));

        Assert.Null(found.Format);
        Assert.Contains("/etc/shadow", found.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_header_names_cannot_write_on_the_terminal()
    {
        var found = Detect(Qcow2Writer.Empty(1 << 20, "\u001b[2J\nx"));

        Assert.DoesNotContain('\u001b', found.Refusal!);
        Assert.DoesNotContain('\n', found.Refusal!);
    }

    [Fact]
    public void A_qcow2_with_external_data_is_refused()
    {
        var file = Qcow2Writer.Empty(1 << 20, null);
        file[79] |= 4;

        Assert.Contains("another file", Detect(file).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void An_encrypted_qcow2_is_refused()
    {
        var file = Qcow2Writer.Empty(1 << 20, null);
        file[35] = 2;

        Assert.Contains("encrypted", Detect(file).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Raw_content_that_begins_like_qcow2_is_judged_as_qcow2_and_never_as_raw()
    {
        var file = new byte[1 << 16];
        "QFI\u00fb"u8.ToArray().CopyTo(file, 0);
        BinaryPrimitives.WriteUInt32BigEndian(file, 0x514649FB);

        Assert.Null(Detect(file).Format);
    }

    [Theory]
    [InlineData("# Disk DescriptorFile\nversion=1\nRW 20480 FLAT \"/etc/passwd\" 0\n")]
    [InlineData("\n\n  # Disk DescriptorFile\ncreateType=\"monolithicFlat\"\nRW 20480 FLAT \"/dev/sda\" 0\n")]
    [InlineData("# Disk DescriptorFile")]
    public void A_vmdk_that_is_only_a_description_is_refused(string text)
    {
        Assert.Contains("names other files", Detect(Encoding.ASCII.GetBytes(text)).Refusal, StringComparison.Ordinal);
        Assert.Contains("names other files", Detect(Encoding.ASCII.GetBytes(text.PadRight(4096))).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_vmdk_whose_capacity_of_zero_makes_its_description_count_is_refused() =>
        Assert.Contains("never opened", Detect(Vmdk(capacity: 0, "RW 20480 FLAT \"/etc/passwd\" 0")).Refusal, StringComparison.Ordinal);

    [Theory]
    [InlineData("parentCID=12345678\nparentFileNameHint=\"/etc/passwd\"")]
    [InlineData("parentCID=ffffffff\nparentFileNameHint=\"/etc/passwd\"")]
    [InlineData("parentCID = 00000001")]
    [InlineData("PARENTCID=0")]
    public void A_vmdk_with_a_parent_is_refused(string description) =>
        Assert.Contains("difference", Detect(Vmdk(20480, description)).Refusal, StringComparison.Ordinal);

    [Fact]
    public void A_parent_where_only_QEMU_looks_is_found_too()
    {
        var file = Vmdk(20480, "parentCID=ffffffff", descriptionSector: 40);
        "parentFileNameHint=\"/etc/passwd\""u8.CopyTo(file.AsSpan(0x200));

        Assert.Contains("difference", Detect(file).Refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(ulong.MaxValue, 1)]
    [InlineData(1, ulong.MaxValue)]
    [InlineData(1UL << 40, 20)]
    public void A_vmdk_whose_description_lies_elsewhere_is_refused(ulong offset, ulong sectors)
    {
        var file = Vmdk(20480, "parentCID=ffffffff");
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(28), offset);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(36), sectors);

        Assert.Contains("no usable VMDK", Detect(file).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void A_VDI_with_a_parent_is_refused()
    {
        var file = Vdi();
        file[0x1A8] = 1;

        Assert.Contains("difference", Detect(file).Refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new byte[] { 0x1F, 0x8B, 8 }, "gunzip")]
    [InlineData(new byte[] { (byte)'P', (byte)'K', 3, 4 }, "ZIP")]
    [InlineData(new byte[] { (byte)'C', (byte)'O', (byte)'W', (byte)'D' }, "ESX")]
    [InlineData(new byte[] { (byte)'L', (byte)'U', (byte)'K', (byte)'S', 0xBA, 0xBE }, "LUKS")]
    public void What_is_known_to_be_no_disk_is_not_taken_for_a_raw_one(byte[] magic, string word)
    {
        var file = new byte[4096];
        magic.CopyTo(file, 0);

        Assert.Contains(word, Detect(file).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void An_OVA_is_refused_by_its_tar_header()
    {
        var file = new byte[4096];
        "ustar"u8.CopyTo(file.AsSpan(257));

        Assert.Contains("OVA", Detect(file).Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void An_ISO_is_sent_to_where_ISOs_go_unless_it_boots_from_a_disk_too()
    {
        var file = new byte[65536];
        "CD001"u8.CopyTo(file.AsSpan(0x8001));
        Assert.Contains("lamina iso upload", Detect(file).Refusal, StringComparison.Ordinal);

        file[510] = 0x55;
        file[511] = 0xAA;
        Assert.Equal("raw", Detect(file).Driver);
    }

    [Fact]
    public void What_is_less_than_a_sector_is_no_disk() => Assert.NotNull(Detect(new byte[100]).Refusal);

    [Fact]
    public void Whole_disks_of_each_format_are_known()
    {
        Assert.Equal(SourceFormat.Qcow2, Detect(Qcow2Writer.Empty(1 << 20, null)).Format);
        Assert.Equal(SourceFormat.Vmdk, Detect(Vmdk(20480, "parentCID=ffffffff\nRW 20480 SPARSE \"x.vmdk\"")).Format);
        Assert.Equal(SourceFormat.Vdi, Detect(Vdi()).Format);
        Assert.Equal(SourceFormat.Vhdx, Detect("vhdxfile"u8.ToArray()).Format);
        Assert.Equal(SourceFormat.Raw, Detect(new byte[4096]).Format);
    }

    [Fact]
    public void Whatever_the_bytes_detecting_never_throws_and_always_decides() =>
        Gen.Select(Gen.Int[0, Magics.Length - 1], Gen.Byte.Array[0, 2000]).Sample((index, bytes) =>
        {
            var magic = Magics[index];
            var found = Detect([.. Encoding.Latin1.GetBytes(magic), .. bytes]);
            Assert.True(found.Format is null != found.Refusal is null);
        });

    private static DetectedFormat Detect(byte[] file) => ImageFormats.Detect(file, file.Length);

    private static byte[] Vmdk(ulong capacity, string description, int descriptionSector = 1)
    {
        var file = new byte[65536];
        "KDMV"u8.CopyTo(file);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(12), capacity);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(28), (ulong)descriptionSector);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(36), 20);
        Encoding.ASCII.GetBytes("# Disk DescriptorFile\n" + description).CopyTo(file, descriptionSector * 512);
        return file;
    }

    private static byte[] Vdi()
    {
        var file = new byte[4096];
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(0x40), 0xBEDA107F);
        return file;
    }
}
