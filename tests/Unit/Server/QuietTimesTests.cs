using Lamina.Server;
using Xunit;

namespace Lamina.Tests.Unit.Server;

public sealed class QuietTimesTests
{
    private const long MiB = 1 << 20;

    [Theory]
    [InlineData(0, 0, false)]
    [InlineData(0.01, 31, false)] // nothing worth it since memory was given back
    [InlineData(0.6, 200, false)] // still at work
    [InlineData(0.1, 32, false)]
    [InlineData(0.02, 32, true)] // a hundred guests' metrics
    [InlineData(0, 200, true)]
    public void Memory_is_given_back_when_a_burst_is_over(double share, long sinceGivenMiB, bool expected) =>
        Assert.Equal(expected, QuietTimes.IsQuietAfterBurst(share, sinceGivenMiB * MiB));
}
