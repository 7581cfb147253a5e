using CsCheck;
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
    public void ARangeIsFilledAndNotLeft() => Gen.Select(Gen.Int[8, 29], Gen.Int[0, 200], Gen.Int[1, 300]).Sample((length, first, count) =>
    {
        var subnet = Subnet.Parse($"10.0.0.0/{length}")!.Value;
        var last = Math.Min(first + count, subnet.GuestCount) - 1;
        if (DhcpRange.Parse($"{subnet.Guest(Math.Min(first, last))}-{subnet.Guest(last)}", subnet) is not { } range) throw new InvalidOperationException();
        var taken = new HashSet<string>();
        while (AddressAllocator.NextFree(subnet, range, taken.Contains) is { } address) Assert.True(taken.Add(address));
        Assert.Equal(range.Count, taken.Count);
        Assert.All(taken, address => Assert.InRange((int)subnet.NumberOf(address) - 2, range.First, range.First + range.Count - 1));
    });

    [Theory]
    [InlineData("10.10.0.0/24", "10.10.0.0/16", true)]
    [InlineData("10.10.0.0/16", "10.10.7.0/24", true)]
    [InlineData("10.10.0.0/24", "10.10.1.0/24", false)]
    [InlineData("10.0.0.0/8", "11.0.0.0/8", false)]
    public void SubnetsOverlapEitherWay(string one, string other, bool overlap)
    {
        Assert.Equal(overlap, Subnet.Parse(one)!.Value.Overlaps(Subnet.Parse(other)!.Value));
        Assert.Equal(overlap, Subnet.Parse(other)!.Value.Overlaps(Subnet.Parse(one)!.Value));
    }

    [Fact]
    public void AnIPv6AddressBearsTheNumberOfItsIPv4One()
    {
        var wide = Ipv6Subnet.Parse("fd12:3456:789a::/64")!.Value;
        Assert.Equal(("fd12:3456:789a::1", "fd12:3456:789a::c8"), (wide.Gateway, wide.Address(Default.NumberOf("192.168.200.200"))));
        Assert.Equal("fe80::ff:fe00:1", Ipv6Subnet.LinkLocalOf("02:00:00:00:00:01"));
        Assert.Equal("0xfe800000000000000000000000000001", Ipv6Subnet.Hexadecimal("fe80::1"));
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
