using Lamina.Server.Store;
using Xunit;

namespace Lamina.Tests.Unit.Store;

public sealed class StoreBackupPlanTests
{
    private static readonly DateTimeOffset Now = new(2026, 7, 30, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("store-20260730T130000Z.db")] // from the future
    [InlineData("store-20260729T120000Z.db")] // a day old
    [InlineData("store.db")] // another's
    [InlineData("store-20261330T130000Z.db")] // no date
    public void One_is_due_when_none_of_the_last_day_is_there(string name) => Assert.True(StoreBackupPlan.IsDue([name], Now));

    [Fact]
    public void None_is_due_a_while_after_the_last() => Assert.False(StoreBackupPlan.IsDue(["store-20260729T130000Z.db", "store-20260701T000000Z.db"], Now));

    [Fact]
    public void The_first_is_due_at_once() => Assert.True(StoreBackupPlan.IsDue([], Now));

    [Fact]
    public void The_oldest_go_and_those_from_the_future_go_first()
    {
        var days = Enumerable.Range(0, 9).Select(day => StoreBackupPlan.NameAt(Now.AddDays(-day))).ToArray();
        string future = StoreBackupPlan.NameAt(Now.AddDays(400));
        Assert.Empty(StoreBackupPlan.Removable([.. days[..6], future], Now));
        Assert.Equal([future], StoreBackupPlan.Removable([.. days[..7], future], Now));
        Assert.Equal([days[7], days[8], future], StoreBackupPlan.Removable([future, .. days], Now));
    }

    [Fact]
    public void What_a_person_put_there_is_neither_counted_nor_removed() =>
        Assert.Empty(StoreBackupPlan.Removable(Enumerable.Range(0, 20).Select(number => $"before-upgrade-{number}.db"), Now));

    [Fact]
    public void The_newest_is_the_one_of_the_past()
    {
        Assert.Null(StoreBackupPlan.Newest([], Now));
        string yesterday = StoreBackupPlan.NameAt(Now.AddDays(-1));
        string future = StoreBackupPlan.NameAt(Now.AddDays(1));
        Assert.Equal(yesterday, StoreBackupPlan.Newest([StoreBackupPlan.NameAt(Now.AddDays(-2)), yesterday, future], Now));
        Assert.Equal(future, StoreBackupPlan.Newest([future], Now));
    }
}
