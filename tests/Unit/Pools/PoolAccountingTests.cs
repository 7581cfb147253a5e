using Lamina.Server.Pools;

namespace Lamina.Tests.Unit.Pools;

public class PoolAccountingTests
{
    private const long GiB = 1L << 30;

    [Theory]
    [InlineData(10, 0, 0, 11)] // more than there is
    [InlineData(10, 1, 0, 10)] // into the host's reserve
    [InlineData(10, 1, 4, 6)] // into what is promised to others
    [InlineData(1, 2, 0, 1)] // the reserve is already broken into
    public void What_does_not_fit_is_refused_with_the_figures(long free, long reserve, long reserved, long needed)
    {
        var refusal = PoolAccounting.Refuse(Room(free, reserve, reserved), "the upload", needed * GiB);

        Assert.NotNull(refusal);
        Assert.Equal("pool.full", refusal.Code);
        Assert.Contains("Pool default has no room for the upload", refusal.Message, StringComparison.Ordinal);
        Assert.Contains($"{needed} GiB", refusal.Message, StringComparison.Ordinal);
        Assert.NotNull(refusal.Remedy);
    }

    [Theory]
    [InlineData(10, 0, 0, 10)]
    [InlineData(10, 1, 4, 5)]
    [InlineData(0, 0, 0, 0)]
    public void What_fits_to_the_last_byte_is_taken(long free, long reserve, long reserved, long needed) =>
        Assert.Null(PoolAccounting.Refuse(Room(free, reserve, reserved), "the upload", needed * GiB));

    [Fact]
    public void Paused_guests_go_on_below_the_reserve_but_not_at_the_last_byte()
    {
        Assert.Equal(256L << 20, PoolAccounting.ResumeThresholdBytes(GiB));
        Assert.Equal(16L << 20, PoolAccounting.ResumeThresholdBytes(0));
    }

    private static PoolRoomNow Room(long free, long reserve, long reserved) => new("default", 100 * GiB, free * GiB, reserve * GiB, reserved * GiB);
}
