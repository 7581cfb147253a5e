using Lamina.Api;
using Lamina.Server.Migration;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>Which way a migration takes, and what is said of that for all of them.</summary>
public class MigrationRouteTests
{
    [Theory]
    [InlineData(null, null, null, 16, 2)]
    [InlineData(1_000L, 10_000L, null, 16, 1)]
    [InlineData(25_000L, 25_000L, null, 16, 5)]
    [InlineData(100_000L, 100_000L, null, 64, 8)]
    [InlineData(100_000L, 100_000L, null, 4, 4)]
    [InlineData(100_000L, null, 100L << 20, 64, 1)]
    public void ConnectionsFollowTheSlowestOfTheWayAndTheCores(long? to, long? from, long? most, int cores, int streams) =>
        Assert.Equal(streams, MigrationRoute.StreamsFor(new MigrationRoute.Link(to, from, most, cores)));

    [Theory]
    [InlineData("10.9.0.0/24", "10.9.0.7")]
    [InlineData("192.168.0.0/16", null)]
    [InlineData("no network", null)]
    [InlineData(null, null)]
    public void TheAddressIsTheOneInTheNetwork(string? network, string? address)
    {
        var host = new HostStatus { Incarnation = "i", BootId = "b", DaemonVersion = "1", Links = [new HostLink { Address = "10.0.0.7" }, new HostLink { Address = "10.9.0.7", Megabits = 10_000 }] };
        Assert.Equal(address, MigrationRoute.AddressIn(network, host));
    }

    [Fact]
    public void SettingsThatMakeNoSenseAreNamedAllAtOnce()
    {
        var refused = Assert.Throws<Lamina.Api.Input.InputException>(() =>
            MigrationSettingsEndpoints.Update(new MigrationSettings(), new MigrationSettingsUpdate { Network = "10.9.0.0", MaxBytesPerSecond = 5, PostCopyPatienceSeconds = 0 }));
        Assert.Equal(["$.network", "$.maxBytesPerSecond", "$.postCopyPatienceSeconds"], refused.Problems.Select(problem => problem.Path));
        Assert.Equal(new MigrationSettings { Network = "10.9.0.0/24" }, MigrationSettingsEndpoints.Update(new MigrationSettings { MaxBytesPerSecond = 1 << 30 }, new MigrationSettingsUpdate { Network = "10.9.0.0/24" }));
    }
}
