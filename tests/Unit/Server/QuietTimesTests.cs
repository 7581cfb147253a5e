using Lamina.Server;
using Xunit;

namespace Lamina.Tests.Unit.Server;

public sealed class QuietTimesTests
{
    private const long MiB = 1 << 20;

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(1, 15, false)] // nothing worth it since memory was given back
    [InlineData(64, 200, false)] // still at work
    [InlineData(16, 16, false)]
    [InlineData(15, 16, true)]
    [InlineData(0, 200, true)]
    public void Memory_is_given_back_when_a_burst_is_over(long latelyMiB, long sinceGivenMiB, bool expected) =>
        Assert.Equal(expected, QuietTimes.IsQuietAfterBurst(latelyMiB * MiB, sinceGivenMiB * MiB));
}
