using CsCheck;
using Lamina.Engine.Serial;

namespace Lamina.Tests.Unit.Engine.Serial;

public class SerialRingTests
{
    [Fact]
    public void It_keeps_the_last_bytes_of_whatever_was_appended() =>
        Gen.Select(Gen.Int[1, 20_000], Gen.Byte.Array[0, 9_000].Array[0, 12]).Sample((capacity, pieces) =>
        {
            var ring = new SerialRing(capacity);
            foreach (var piece in pieces) ring.Append(piece);
            var all = pieces.SelectMany(piece => piece).ToArray();
            var kept = new byte[ring.End - ring.Start];
            Assert.Equal(kept.Length, ring.Read(ring.Start, kept));
            Assert.Equal(all.Length, ring.End);
            Assert.True(kept.Length <= capacity);
            Assert.True(kept.Length == all.Length || kept.Length == capacity);
            Assert.Equal(all[^kept.Length..], kept);
        }, iter: 500);

    [Fact]
    public void Nothing_may_be_appended_first()
    {
        var ring = new SerialRing(10);
        ring.Append([]);
        ring.Append([7]);
        Assert.Equal((0, 1), (ring.Start, ring.End));
    }

    [Fact]
    public void Reading_in_pieces_gives_the_same() =>
        Gen.Select(Gen.Byte.Array[1, 500], Gen.Int[1, 60]).Sample((data, step) =>
        {
            var ring = new SerialRing(300);
            ring.Append(data);
            var position = ring.Start;
            var read = new List<byte>();
            var piece = new byte[step];
            int count;
            while ((count = ring.Read(position, piece)) > 0)
            {
                read.AddRange(piece[..count]);
                position += count;
            }
            Assert.Equal(data[^read.Count..], read);
        }, iter: 300);

    [Fact]
    public void A_position_that_is_gone_or_yet_to_come_is_refused()
    {
        var ring = new SerialRing(4);
        ring.Append("abcdef"u8);
        Assert.Throws<ArgumentOutOfRangeException>(() => ring.Read(1, new byte[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => ring.Read(7, new byte[1]));
        Assert.Equal(0, ring.Read(6, new byte[1]));
    }
}
