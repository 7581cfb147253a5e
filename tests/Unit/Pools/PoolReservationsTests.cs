using Lamina.Server.Pools;

namespace Lamina.Tests.Unit.Pools;

public class PoolReservationsTests
{
    private readonly PoolReservations _reservations = new();
    private long _free = 100;

    [Fact]
    public void What_is_promised_to_one_is_not_given_to_another()
    {
        Assert.Null(Reserve("a", 60));
        Assert.NotNull(Reserve("b", 41));
        Assert.Null(Reserve("b", 40));
        Assert.Equal(100, _reservations.Sum("pool"));
    }

    [Fact]
    public void Another_pool_does_not_count()
    {
        Assert.Null(Reserve("a", 100));
        Assert.Null(_reservations.TryReserve("other", "b", "it", 100, Room));
    }

    [Fact]
    public void What_is_written_counts_once_in_the_file_system_and_no_more_here()
    {
        Assert.Null(Reserve("a", 60));
        _free -= 50;
        _reservations.Keep("a", 10);

        Assert.NotNull(Reserve("b", 41));
        Assert.Null(Reserve("b", 40));
    }

    [Fact]
    public void A_refused_or_ended_owner_holds_nothing()
    {
        Assert.NotNull(Reserve("a", 101));
        Assert.Equal(0, _reservations.Sum("pool"));
        Assert.Null(Reserve("a", 100));
        _reservations.Release("a");
        _reservations.Keep("a", 50);
        Assert.Equal(0, _reservations.Sum("pool"));
    }

    [Fact]
    public void An_owner_that_asks_again_is_counted_once()
    {
        Assert.Null(Reserve("a", 80));
        Assert.Null(Reserve("a", 90));
        Assert.Equal(90, _reservations.Sum("pool"));
    }

    [Fact]
    public async Task Many_at_once_never_get_more_than_there_is()
    {
        var granted = await Task.WhenAll(Enumerable.Range(0, 50).Select(index => Task.Run(() => Reserve($"owner{index}", 7) is null)));

        Assert.Equal(100 / 7, granted.Count(one => one));
        Assert.True(_reservations.Sum("pool") <= 100);
    }

    private Lamina.Api.Failure? Reserve(string owner, long bytes) => _reservations.TryReserve("pool", owner, "it", bytes, Room);

    private PoolRoomNow Room(long reserved) => new("pool", 1000, _free, 0, reserved);
}
