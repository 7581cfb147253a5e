using Lamina.Server.Control;
using Lamina.Server.Events;
using Xunit;

namespace Lamina.Tests.Unit.Events;

public class RetentionTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void KeepsWhatIsWithinBothBounds() => Assert.Empty(Retention.Over(Ids(0, 1, 2), new RetentionBound(3, TimeSpan.FromDays(3)), Now));

    [Fact]
    public void DropsTheOldestBeyondTheCount()
    {
        var ids = Ids(0, 1, 2, 3);
        Assert.Equal(ids.Take(2), Retention.Over(ids, new RetentionBound(2, TimeSpan.FromDays(30)), Now));
    }

    [Fact]
    public void DropsWhatIsTooOldHoweverFew()
    {
        var ids = Ids(0, 10, 20);
        Assert.Equal(ids.Take(2), Retention.Over(ids, new RetentionBound(100, TimeSpan.FromDays(5)), Now));
    }

    /// <summary>Ids of events so many days ago, the oldest first.</summary>
    private static string[] Ids(params int[] daysAgo) => [.. daysAgo.OrderDescending().Select(days => TimeOrderedId.EdgeAt(Now.AddDays(-days)) + "00000000")];
}
