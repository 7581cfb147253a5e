using Lamina.Api;
using Lamina.Server.Isos;
using Lamina.Server.OperatingSystems;

namespace Lamina.Tests.Unit.Isos;

public class IsoMediaTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(2048)]
    [InlineData(IsoMedia.StartBytes)]
    [InlineData(IsoMedia.StartBytes + 512)]
    public void An_ISO_that_is_no_ISO_is_refused_with_words(int length) =>
        Assert.StartsWith("The upload is no ISO", Check(IsoKind.Iso, new byte[length]).Refusal, StringComparison.Ordinal);

    [Fact]
    public void An_ISO_is_known_and_its_label_told()
    {
        var file = new byte[IsoMedia.StartBytes];
        "\u0001CD001\u0001"u8.CopyTo(file.AsSpan(0x8000));
        "DEBIAN 12 \u001b[2J".PadRight(32).Select(c => (byte)c).ToArray().CopyTo(file, 0x8000 + 40);

        "MICROSOFT CORPORATION"u8.CopyTo(file.AsSpan(0x8000 + 318));
        var volume = new IsoVolume("DEBIAN 12 \u001b[2J", Publisher: "MICROSOFT CORPORATION");
        Assert.Equal(new IsoMediaCheck(null, "DEBIAN 12 ?[2J", volume), Check(IsoKind.Iso, file));
    }

    [Fact]
    public void A_disc_with_UDF_alone_is_one_too()
    {
        var file = new byte[IsoMedia.StartBytes];
        "\0BEA01"u8.CopyTo(file.AsSpan(0x8000));
        Assert.Null(Check(IsoKind.Iso, file).Refusal);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1474559, false)]
    [InlineData(1474561, false)]
    [InlineData(1474560, true)]
    [InlineData(737280, true)]
    [InlineData(2949120, true)]
    public void Floppies_have_known_sizes(long size, bool right) => Assert.Equal(right, IsoMedia.Check(IsoKind.Floppy, [], size).Refusal is null);

    [Fact]
    public void Kernels_are_known_by_their_headers()
    {
        var linux = new byte[1024];
        linux[0x1FE] = 0x55;
        linux[0x1FF] = 0xAA;
        "HdrS"u8.CopyTo(linux.AsSpan(0x202));

        Assert.Null(Check(IsoKind.Kernel, linux).Refusal);
        Assert.Null(Check(IsoKind.Kernel, [0x7F, (byte)'E', (byte)'L', (byte)'F', 2]).Refusal);
        Assert.NotNull(Check(IsoKind.Kernel, new byte[1024]).Refusal);
        Assert.NotNull(Check(IsoKind.Kernel, []).Refusal);
        Assert.NotNull(Check(IsoKind.Kernel, linux[..0x204]).Refusal);
    }

    [Theory]
    [InlineData(new byte[] { 0x1F, 0x8B, 8 })]
    [InlineData(new byte[] { (byte)'0', (byte)'7', (byte)'0', (byte)'7', (byte)'0', (byte)'1' })]
    [InlineData(new byte[] { 0x28, 0xB5, 0x2F, 0xFD })]
    [InlineData(new byte[] { 0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0 })]
    [InlineData(new byte[] { 2, 0x21, 0x4C, 0x18 })]
    public void Initial_RAM_disks_are_known_by_their_magic(byte[] start) => Assert.Null(Check(IsoKind.Initrd, start).Refusal);

    [Fact]
    public void Anything_else_is_no_initial_RAM_disk()
    {
        Assert.NotNull(Check(IsoKind.Initrd, []).Refusal);
        Assert.NotNull(Check(IsoKind.Initrd, "vmlinuz"u8.ToArray()).Refusal);
    }

    private static IsoMediaCheck Check(IsoKind kind, byte[] file) =>
        IsoMedia.Check(kind, file.AsSpan(0, Math.Min(file.Length, IsoMedia.StartBytes)), file.Length);
}
