using System.Buffers.Binary;
using CsCheck;
using Lamina.Server.Images;

namespace Lamina.Tests.Unit.Images;

public class Qcow2HeaderTests
{
    private const string Image = "../../images/0198c0de-0000-7000-8000-000000000001/image.qcow2";

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(71)]
    public void A_file_cut_short_is_no_header(int length) =>
        Assert.Null(Qcow2Header.Read(Qcow2Writer.Empty(1 << 20, null).AsSpan(0, length), out _));

    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(0xFFFFFFFF)]
    public void Another_version_is_refused_by_its_number(uint version)
    {
        var file = Qcow2Writer.Empty(1 << 20, null);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(4), version);

        Assert.Null(Qcow2Header.Read(file, out var problem));
        Assert.Contains(version.ToString(System.Globalization.CultureInfo.InvariantCulture), problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_backing_name_outside_of_the_file_is_still_a_backing_name()
    {
        var file = Qcow2Writer.Empty(1 << 20, null);
        BinaryPrimitives.WriteUInt64BigEndian(file.AsSpan(8), ulong.MaxValue - 4);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(16), 11);

        Assert.NotNull(Qcow2Header.Read(file, out _)!.BackingFile);
    }

    [Fact]
    public void External_data_is_seen_in_the_feature_bits_and_in_the_extension()
    {
        var byFeature = Qcow2Writer.Empty(1 << 20, null);
        byFeature[79] |= 4;
        var byExtension = Qcow2Writer.Empty(1 << 20, null);
        BinaryPrimitives.WriteUInt32BigEndian(byExtension.AsSpan(104), 0x44415441);
        BinaryPrimitives.WriteUInt32BigEndian(byExtension.AsSpan(108), 11);

        Assert.True(Qcow2Header.Read(byFeature, out _)!.HasDataFile);
        Assert.True(Qcow2Header.Read(byExtension, out _)!.HasDataFile);
    }

    [Fact]
    public void Extensions_that_lead_nowhere_end_the_search()
    {
        var file = Qcow2Writer.Empty(1 << 20, null);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(104), 0x11111111);
        BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(108), uint.MaxValue);

        Assert.False(Qcow2Header.Read(file, out _)!.HasDataFile);
    }

    [Fact]
    public void Whatever_the_bytes_reading_never_throws() =>
        Gen.Byte.Array[0, 400].Sample(bytes =>
        {
            var file = Qcow2Writer.Empty(1 << 20, Image);
            bytes.CopyTo(file.AsSpan(8));
            _ = Qcow2Header.Read(file, out _);
        });

    [Fact]
    public void What_is_written_is_read_back() =>
        Gen.Select(Gen.Long[1, 1L << 37], Gen.Bool).Sample((sectors, clone) =>
        {
            var file = Qcow2Writer.Empty(sectors * 512, clone ? Image : null);

            var header = Qcow2Header.Read(file, out var problem);

            Assert.Equal("", problem);
            Assert.Equal(new Qcow2Header { Version = 3, VirtualSizeBytes = (ulong)sectors * 512, BackingFile = clone ? Image : null }, header);
        });

    [Theory]
    [InlineData(0)]
    [InlineData(-512)]
    [InlineData(511)]
    [InlineData(513)]
    public void No_disk_has_such_a_size(long size) => Assert.Throws<ArgumentException>(() => Qcow2Writer.Empty(size, null));

    [Fact]
    public void A_name_too_long_for_the_format_is_refused()
    {
        Assert.Throws<ArgumentException>(() => Qcow2Writer.Empty(512, new string('a', 1024)));
        Assert.Throws<ArgumentException>(() => Qcow2Writer.Empty(512, ""));
    }
}
