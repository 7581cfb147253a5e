using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Pools;

namespace Lamina.Tests.Unit.Pools;

public class PoolStatusesTests
{
    private static readonly PoolStatus Before = new() { Available = true, TotalBytes = 100L << 30, FreeBytes = 50L << 30, AllocatedBytes = 10L << 30, ProvisionedBytes = 200L << 30 };

    [Fact]
    public void A_pool_that_comes_or_goes_is_written_at_once()
    {
        var gone = PoolStatuses.Make(null, new Failure { Code = "pool.unavailable", Message = "away" }, 0, 0);

        Assert.False(gone.Available);
        Assert.Equal(StatusDifference.Meaning, PoolStatuses.Compare(null, Before));
        Assert.Equal(StatusDifference.Meaning, PoolStatuses.Compare(Before, gone));
        Assert.Equal(StatusDifference.Meaning, PoolStatuses.Compare(Before, Before with { TotalBytes = 200L << 30 }));
    }

    [Fact]
    public void Small_movements_are_not_worth_a_write()
    {
        Assert.Equal(StatusDifference.None, PoolStatuses.Compare(Before, Before));
        Assert.Equal(StatusDifference.None, PoolStatuses.Compare(Before, Before with { FreeBytes = Before.FreeBytes - (1 << 20) }));
    }

    [Fact]
    public void Large_movements_and_new_disks_are_figures()
    {
        Assert.Equal(StatusDifference.Figures, PoolStatuses.Compare(Before, Before with { FreeBytes = Before.FreeBytes - (1L << 30) }));
        Assert.Equal(StatusDifference.Figures, PoolStatuses.Compare(Before, Before with { AllocatedBytes = Before.AllocatedBytes + (1L << 30) }));
        Assert.Equal(StatusDifference.Figures, PoolStatuses.Compare(Before, Before with { ProvisionedBytes = Before.ProvisionedBytes + 1 }));
    }
}
