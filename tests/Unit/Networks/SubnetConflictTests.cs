using System.Net;
using Lamina.Linux.Network;
using Lamina.Server.Networks;
using Xunit;

namespace Lamina.Tests.Unit.Networks;

public class SubnetConflictTests
{
    private const int Bridge = 7;

    [Theory]
    [InlineData("192.168.200.0/24")]
    [InlineData("192.168.0.0/16")]
    [InlineData("192.168.200.128/25")]
    [InlineData("192.168.200.10/32")]
    public void A_route_that_overlaps_is_found(string destination) => Assert.NotNull(Find(new() { Destination = IPNetwork.Parse(destination), LinkIndex = 2 }));

    [Theory]
    [InlineData("192.168.201.0/24")]
    [InlineData("10.0.0.0/8")]
    public void Another_one_is_not(string destination) => Assert.Null(Find(new() { Destination = IPNetwork.Parse(destination), LinkIndex = 2 }));

    [Fact]
    public void Neither_is_the_default_route_nor_that_of_the_bridge_itself()
    {
        Assert.Null(Find(new() { Gateway = IPAddress.Parse("10.0.0.1"), LinkIndex = 2 }));
        Assert.Null(Find(new() { Destination = IPNetwork.Parse("192.168.200.0/24"), LinkIndex = Bridge }));
    }

    private static NetworkRoute? Find(NetworkRoute route) => SubnetConflict.Find(Subnet.Parse("192.168.200.0/24")!.Value, [route], Bridge);
}
