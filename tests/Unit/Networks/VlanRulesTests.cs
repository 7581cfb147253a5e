using Lamina.Api;
using Lamina.Linux.Network;
using Lamina.Server.Control;
using Lamina.Server.Networks;
using Lamina.Tests.Unit.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Networks;

/// <summary>VLANs of a card: which there may be, and what the host is to have of them.</summary>
public sealed class VlanRulesTests
{
    private static readonly NetworkSpec Tagged = new() { Name = "servers", Kind = NetworkKind.Bridge, Mtu = 1500, Bridge = new NetworkBridge { Device = "eth1", Vlan = 100 } };

    public static TheoryData<string, NetworkCreate> Illegal => new()
    {
        { "$.vlan network.vlan", new() { Name = "lan", Bridge = "eth1", Vlan = 0 } },
        { "$.vlan network.vlan", new() { Name = "lan", Bridge = "eth1", Vlan = 4095 } },
        { "$.vlan network.vlanWithoutBridge", new() { Name = "lan", Vlan = 5 } },
        { "$.vlan network.vlanWithoutBridge", new() { Name = "lan", Kind = NetworkKind.Isolated, Vlan = 5 } },
        { "$.bridge network.deviceMissing", new() { Name = "lan", Bridge = "eth9", Vlan = 5 } },
        { "$.vlan network.deviceUsed", new() { Name = "lan", Bridge = "eth1", Vlan = 100 } },
        { "$.confirmSeconds network.confirm", new() { Name = "lan", Bridge = "eth1", Vlan = 5, ConfirmSeconds = 60 } },
    };

    [Theory]
    [MemberData(nameof(Illegal))]
    public void WhatMayNotBeIsRefusedWithItsPath(string problem, NetworkCreate asked) => Assert.Equal([problem], NetworkRulesTests.ProblemsOf(() => Create(asked)));

    [Fact]
    public void EveryProblemIsToldAtOnce() => Assert.Equal(
        ["$.mtu network.mtu", "$.confirmSeconds network.confirm", "$.vlan network.vlan", "$.bridge network.deviceMissing"],
        NetworkRulesTests.ProblemsOf(() => Create(new() { Name = "lan", Bridge = "eth9", Vlan = 9999, Mtu = 1, ConfirmSeconds = 1 })));

    [Fact]
    public void SeveralTagsAndANetworkWithoutOneShareACard()
    {
        Assert.Equal(("eth1", 101), (Create(new() { Name = "a", Bridge = "eth1", Vlan = 101 }).Bridge!.Device, Create(new() { Name = "a", Bridge = "eth1", Vlan = 101 }).Bridge!.Vlan!.Value));
        Assert.Null(Create(new() { Name = "lan", Bridge = "eth1" }).Bridge!.Vlan);
        Assert.Equal((true, 7), (Create(new() { Name = "b", Bridge = "br0", Vlan = 7 }).Bridge!.Existing, Create(new() { Name = "b", Bridge = "br0", Vlan = 7 }).Bridge!.Vlan!.Value));
    }

    [Fact]
    public void ATagIsChangedForAnotherButNeitherGivenNorTaken()
    {
        var record = new CachedRecord<NetworkSpec>("servers", Tagged, 1, 1);
        var same = NetworkRules.Changeable(Tagged);
        Assert.Equal(Tagged, NetworkRules.Update(record, same, World()) with { Forwards = Tagged.Forwards });
        Assert.Equal(200, NetworkRules.Update(record, same with { Vlan = 200 }, World()).Bridge!.Vlan);
        Assert.Equal(["$.vlan network.vlanFixed"], NetworkRulesTests.ProblemsOf(() => NetworkRules.Update(record, same with { Vlan = null }, World())));
        var plain = new CachedRecord<NetworkSpec>("lan", Tagged with { Bridge = Tagged.Bridge! with { Vlan = null } }, 1, 1);
        Assert.Equal(["$.vlan network.vlanFixed"], NetworkRulesTests.ProblemsOf(() => NetworkRules.Update(plain, NetworkRules.Changeable(plain.Record) with { Vlan = 100 }, World())));
        var other = new CachedRecord<NetworkSpec>("other", Tagged with { Bridge = Tagged.Bridge with { Vlan = 5 } }, 1, 1);
        Assert.Equal(["$.vlan network.deviceUsed"], NetworkRulesTests.ProblemsOf(() => NetworkRules.Update(other, NetworkRules.Changeable(other.Record) with { Vlan = 100 }, World())));
        var nat = new CachedRecord<NetworkSpec>("net", new() { Name = "lab", Subnet = "10.10.0.0/24" }, 1, 1);
        Assert.Equal(["$.vlan network.vlanWithoutBridge"], NetworkRulesTests.ProblemsOf(() => NetworkRules.Update(nat, NetworkRules.Changeable(nat.Record) with { Vlan = 5 }, World())));
    }

    [Theory]
    [InlineData(null, "address")] // nothing of the card is moved
    [InlineData(null, "ourBridge")]
    [InlineData(null, "theirBridge")]
    [InlineData("network.deviceTaken", "slave")]
    [InlineData("network.deviceKind", "vlan")]
    [InlineData("network.deviceKind", "tap")]
    [InlineData("network.deviceWireless", "wireless")]
    [InlineData("network.deviceOurs", "ours")]
    [InlineData("network.vlanTaken", "taken")]
    public void WhatATagCanBeTakenFrom(string? code, string device)
    {
        var link = new Link { Index = 2, Name = "eth1" };
        var card = new UplinkFacts { Device = "eth1", Link = link };
        var facts = device switch
        {
            "address" => card with { Addressing = new() { Addresses = [new() { Text = "192.0.2.2/24", IsDynamic = true, Message = [] }] } },
            "ourBridge" => card with { Master = "lmx", IsMasterOurs = true },
            "theirBridge" => card with { Link = link with { Kind = "bridge" } },
            "slave" => card with { Master = "bond0" },
            "vlan" => card with { Link = link with { Kind = "vlan" } },
            "tap" => card with { Link = link with { Kind = "tun" } },
            "wireless" => card with { IsWireless = true },
            "ours" => card with { Link = link with { Alias = "lamina/default/1/bridge" } },
            _ => card with { Vlans = new Dictionary<int, string> { [100] = "eth1.100" } },
        };
        Assert.Equal(code, UplinkRules.RefuseVlan(facts, 100)?.Code);
    }

    /// <summary>Each has a bridge of its own, also on a bridge that somebody else made.</summary>
    [Fact]
    public void AVlanHasABridgeOfItsOwn()
    {
        var onTheirs = Tagged with { Bridge = Tagged.Bridge! with { Device = "br0", Existing = true } };
        foreach (var spec in new[] { Tagged, onTheirs })
        {
            var planned = Assert.Single(NetworkPlan.From(NetworkPlanTests.Instance, new TestSnapshots().Add(Keys.Networks.Spec, "n", spec).Build()));
            Assert.Equal(NetworkPlanTests.Instance.LinkName("n", "bridge"), planned.Bridge);
        }
    }

    [Fact]
    public void TheKernelIsAskedForAVlanInItsWords()
    {
        var message = new NetlinkMessage(NetlinkType.NewLink, NetlinkFlags.Create, LinkCodec.LinkHeader(7)).Add(LinkAttribute.Name, "lmx").Add(LinkAttribute.Parent, 3)
            .AddNested(LinkAttribute.Info, info => OverlayCodec.AddVlan(info, 4094));
        var bytes = message.ToBytes(1);
        Assert.EndsWith(
            "0800" + "0500" + "03000000" // IFLA_LINK 3
            + "1c00" + "1280" // IFLA_LINKINFO, nested
            + "0900" + "0100" + "766c616e00" + "000000" // IFLA_INFO_KIND "vlan"
            + "0c00" + "0280" + "0600" + "0100" + "fe0f" + "0000", // IFLA_INFO_DATA, nested: IFLA_VLAN_ID 4094
            Convert.ToHexStringLower(bytes), StringComparison.Ordinal);
        var link = LinkCodec.ToLink(Assert.Single(NetlinkReader.ReadMessages(bytes)))!;
        Assert.Equal(("vlan", 4094, 3), (link.Kind, link.Vlan!.Value, link.ParentIndex!.Value));
    }

    private static NetworkWorld World() => NetworkRulesTests.World(NetworkRulesTests.Installed().Add(Keys.Networks.Spec, "servers", Tagged));

    private static NetworkSpec Create(NetworkCreate asked) => NetworkRules.Create(asked, "default", World(), DateTimeOffset.UnixEpoch);
}
