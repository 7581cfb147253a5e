using System.Net;
using System.Net.NetworkInformation;
using Lamina.Linux;
using Lamina.Linux.Network;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Integration.Linux;

public sealed class NetlinkTests : IDisposable
{
    private readonly NetworkNamespace space = new();
    private readonly Netlink netlink;

    public NetlinkTests() => netlink = space.Run(() => new Netlink());

    public void Dispose()
    {
        netlink.Dispose();
        space.Dispose();
    }

    [Fact]
    public void A_bridge_has_what_was_asked_for()
    {
        var mac = PhysicalAddress.Parse("52-54-00-00-00-01");
        netlink.CreateBridge("lmtest", new() { Up = true, MtuBytes = 1450, Mac = mac, Alias = "lamina:0:network:default" });
        var bridge = netlink.FindLink("lmtest");
        Assert.NotNull(bridge);
        Assert.Equal(("bridge", 1450, "lamina:0:network:default", true), (bridge.Kind, bridge.MtuBytes, bridge.Alias, bridge.IsUp));
        Assert.Equal(mac, bridge.Mac);
        Assert.Contains(netlink.ListLinks(), link => link.Name == "lmtest" && link.Index == bridge.Index && link.Alias == bridge.Alias);
    }

    [Fact]
    public void An_error_names_the_object_and_the_reason()
    {
        netlink.CreateBridge("lmtest", new());
        var exists = Assert.Throws<LinuxException>(() => netlink.CreateBridge("lmtest", new()));
        Assert.Equal(Errno.Exists, exists.ErrorNumber);
        Assert.Contains("create the bridge lmtest", exists.Message, StringComparison.Ordinal);
        var missing = Assert.Throws<LinuxException>(() => netlink.Change("lmnone", new() { Up = true }));
        Assert.Equal(Errno.NoDevice, missing.ErrorNumber);
        var master = Assert.Throws<LinuxException>(() => netlink.Change("lmtest", new() { Master = "lmnone" }));
        Assert.Contains("there is no link lmnone", master.Message, StringComparison.Ordinal);
        Assert.Contains("mtu", Assert.Throws<LinuxException>(() => netlink.Change("lmtest", new() { MtuBytes = 1 })).Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_deleted_link_is_gone_and_a_missing_one_is_no_error()
    {
        netlink.CreateBridge("lmtest", new());
        Assert.True(netlink.DeleteLink("lmtest"));
        Assert.False(netlink.DeleteLink("lmtest"));
        Assert.Null(netlink.FindLink("lmtest"));
    }

    [Fact]
    public void Only_the_named_members_change()
    {
        netlink.CreateBridge("lmtest", new() { Up = true, MtuBytes = 1450, Alias = "before" });
        netlink.Change("lmtest", new() { Alias = "after" });
        Assert.Equal((true, 1450, "after"), (netlink.FindLink("lmtest")!.IsUp, netlink.FindLink("lmtest")!.MtuBytes, netlink.FindLink("lmtest")!.Alias));
        netlink.Change("lmtest", new() { Up = false });
        Assert.Equal((false, 1450, "after"), (netlink.FindLink("lmtest")!.IsUp, netlink.FindLink("lmtest")!.MtuBytes, netlink.FindLink("lmtest")!.Alias));
    }

    [Fact]
    public void A_tap_lives_as_long_as_its_descriptor()
    {
        var tap = space.Run(() => TapDevice.Open("lmtap"));
        netlink.CreateBridge("lmtest", new() { Up = true });
        netlink.Change("lmtap", new() { Up = true, Master = "lmtest", Alias = "owner" });
        var link = netlink.FindLink("lmtap");
        Assert.Equal(("tun", netlink.FindLink("lmtest")!.Index, "owner"), (link!.Kind, link.MasterIndex!.Value, link.Alias));
        Assert.Equal(Errno.Busy, Assert.Throws<LinuxException>(() => space.Run(() => TapDevice.Open("lmtap"))).ErrorNumber);
        tap.Dispose();
        WaitUntil(() => netlink.FindLink("lmtap") is null);
    }

    [Fact]
    public void A_persistent_tap_stays_and_is_opened_again()
    {
        space.Run(() =>
        {
            using var tap = TapDevice.Open("lmtap");
            TapDevice.SetPersistent(tap);
        });
        Assert.NotNull(netlink.FindLink("lmtap"));
        space.Run(() => TapDevice.Open("lmtap")).Dispose();
        Assert.True(netlink.DeleteLink("lmtap"));
    }

    [Fact]
    public void An_address_is_added_once_and_brings_its_route()
    {
        netlink.CreateBridge("lmtest", new() { Up = true });
        var index = netlink.FindLink("lmtest")!.Index;
        Assert.True(netlink.AddAddress("lmtest", IPAddress.Parse("192.168.77.1"), 24));
        Assert.False(netlink.AddAddress("lmtest", IPAddress.Parse("192.168.77.1"), 24));
        Assert.True(netlink.AddAddress("lmtest", IPAddress.Parse("fd00:77::1"), 64));
        Assert.Contains(new(index, IPAddress.Parse("192.168.77.1"), 24), netlink.ListAddresses(index));
        Assert.Contains(new(index, IPAddress.Parse("fd00:77::1"), 64), netlink.ListAddresses(index));

        Assert.Contains(new() { Destination = IPNetwork.Parse("192.168.77.0/24"), LinkIndex = index }, netlink.ListRoutes());

        Assert.True(netlink.RemoveAddress("lmtest", IPAddress.Parse("192.168.77.1"), 24));
        Assert.False(netlink.RemoveAddress("lmtest", IPAddress.Parse("192.168.77.1"), 24));
    }

    [Fact]
    public void A_veth_reaches_into_another_namespace()
    {
        using var other = new NetworkNamespace();
        netlink.CreateVeth("lmup", "eth0", other.File);
        using var there = other.Run(() => new Netlink());
        Assert.Equal("veth", there.FindLink("eth0")!.Kind);
        Assert.Null(netlink.FindLink("eth0"));
        there.Change("eth0", new() { Up = true });
        netlink.Change("lmup", new() { Up = true });
        there.AddAddress("eth0", IPAddress.Parse("10.9.9.2"), 24);
        WaitUntil(() => netlink.FindLink("lmup")!.Statistics.SentPackets > 0); // a link that comes up looks for IPv6 neighbours by itself
    }

    [Fact]
    public void Forwarding_is_set_once_and_in_the_own_namespace_only()
    {
        using var other = new NetworkNamespace();
        other.Run(() => Sysctl.Set("net/ipv4/ip_forward", "0")); // a new namespace begins with the settings of the first one
        space.Run(() => Sysctl.Set("net/ipv4/ip_forward", "0"));
        Assert.True(space.Run(Sysctl.EnableIPv4Forwarding));
        Assert.False(space.Run(Sysctl.EnableIPv4Forwarding));
        Assert.Equal("0", other.Run(() => Sysctl.Read("net/ipv4/ip_forward")));
    }

    [Fact]
    public void Many_links_are_listed_whole()
    {
        for (var i = 0; i < 200; i++) netlink.CreateBridge($"lm{i}", new());
        Assert.Equal(200, netlink.ListLinks().Count(link => link.Name.StartsWith("lm", StringComparison.Ordinal)));
    }

    /// <summary>A child that another test starts at this moment has copies of all descriptors until it executes its program.</summary>
    private static void WaitUntil(Func<bool> condition)
    {
        var end = BootTimeProvider.Shared.GetTimestamp() + 20_000_000_000;
        while (!condition())
        {
            Assert.True(BootTimeProvider.Shared.GetTimestamp() < end, "it did not come about in 20 s");
            Thread.Yield();
        }
    }
}
