using Lamina.Server.Networks;
using Xunit;

namespace Lamina.Tests.Unit.Networks;

public class AddressAllocatorTests
{
    private static readonly Subnet Default = Subnet.Parse("192.168.200.0/24")!.Value;

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("192.168.200.0")]
    [InlineData("192.168.200.1/24")]
    [InlineData("192.168.200.0/30")]
    [InlineData("192.168.200.0/7")]
    [InlineData("192.168.200/24")]
    [InlineData("fd00::/64")]
    [InlineData("192.168.200.0/x")]
    public void WhatIsNoSubnetIsNone(string? cidr) => Assert.Null(Subnet.Parse(cidr));

    [Fact]
    public void ASubnetKnowsItsParts()
    {
        Assert.Equal("192.168.200.1", Default.Gateway);
        Assert.Equal("192.168.200.255", Default.Broadcast);
        Assert.Equal(253, Default.GuestCount);
    }

    [Theory]
    [InlineData("192.168.200.0", false)]
    [InlineData("192.168.200.1", false)]
    [InlineData("192.168.200.255", false)]
    [InlineData("192.168.201.5", false)]
    [InlineData("nonsense", false)]
    [InlineData("5", false)]
    [InlineData("192.168.200.2", true)]
    [InlineData("192.168.200.254", true)]
    public void OnlyAGuestsAddressIsOne(string address, bool holds) => Assert.Equal(holds, Default.HoldsGuest(address));

    [Fact]
    public void AFullNetworkGivesNothing() => Assert.Null(AddressAllocator.NextFree(Default, null, _ => true));

    [Fact]
    public void GuestsBeginAtTenAndTheLowAddressesComeLast()
    {
        var taken = new HashSet<string>();
        var given = new List<string>();
        while (AddressAllocator.NextFree(Default, null, taken.Contains) is { } address)
        {
            given.Add(address);
            taken.Add(address);
        }

        Assert.Equal("192.168.200.10", given[0]);
        Assert.Equal("192.168.200.9", given[^1]);
        Assert.Equal(253, given.Distinct().Count());
        Assert.All(given, address => Assert.True(Default.HoldsGuest(address)));
    }

    [Fact]
    public void AMacIsDrawnUntilItIsFree()
    {
        int seen = 0;
        string mac = AddressAllocator.DrawMac(new Random(1), _ => seen++ < 3);
        Assert.Equal(4, seen);
        Assert.StartsWith("52:54:00:", mac, StringComparison.Ordinal);
        Assert.Equal(mac, AddressAllocator.NormalizeMac(mac));
    }

    [Theory]
    [InlineData("", null)]
    [InlineData("52:54:00:12:34", null)]
    [InlineData("53:54:00:12:34:56", null)]
    [InlineData("00:00:00:00:00:00", null)]
    [InlineData("52:54:00:12:34:5g", null)]
    [InlineData("52:54:00:12:34:567", null)]
    [InlineData("52:54:00:AB:CD:EF", "52:54:00:ab:cd:ef")]
    [InlineData("52-54-00-AB-CD-EF", "52:54:00:ab:cd:ef")]
    public void MacsAreNormalised(string text, string? mac) => Assert.Equal(mac, AddressAllocator.NormalizeMac(text));
}
