using System.Runtime.CompilerServices;
using Lamina.Api;
using Lamina.Server.Networks;
using Xunit;

namespace Lamina.Tests.Unit.Networks;

/// <summary>The plan in, the words of nft and dnsmasq out; both are checked in, beside this file.</summary>
public class RenderingTests
{
    private static readonly PlannedNetwork Network = new()
    {
        Id = "01970000-0000-7000-8000-000000000001",
        Name = "default",
        Bridge = "lmbridgebridge2",
        BridgeOwner = "lamina/default/01970000-0000-7000-8000-000000000001/bridge",
        BridgeMac = "02:00:00:00:00:01",
        Subnet = Subnet.Parse("192.168.200.0/24")!.Value,
        MtuBytes = 1450,
        Domain = "lamina.internal",
        Nics =
        [
            new() { Vm = "1", Slot = 0, Tap = "lmaaaaaaaaaaaaa", Mac = "52:54:00:00:00:01", Address = "192.168.200.10", HostName = "web" },
            new() { Vm = "1", Slot = 1, Tap = "lmbbbbbbbbbbbbb", Mac = "52:54:00:00:00:02", Address = "192.168.200.11" },
        ],
    };

    private static readonly PlannedNetwork Lab = Network with
    {
        Name = "lab",
        Bridge = "lmlab",
        Subnet = Subnet.Parse("10.10.0.0/24"),
        Ipv6Subnet = Ipv6Subnet.Parse("fd12::/64"),
        Domain = "lab.internal",
        Forwards =
        [
            new(ForwardProtocol.Tcp, null, 8080, 1, "10.10.0.5", 80, null),
            new(ForwardProtocol.Udp, "192.0.2.2", 8000, 3, "10.10.0.5", 9000, "203.0.113.0/24"),
            new(ForwardProtocol.Tcp, null, 5000, 10, "10.10.0.5", 5000, null),
        ],
        Nics = [new() { Vm = "1", Slot = 0, Tap = "lmlabtap", Mac = "52:54:00:00:00:01", Address = "10.10.0.5", Ipv6Address = "fd12::5", HostName = "web" }],
    };

    private static readonly PlannedNetwork Quiet = Network with { Kind = NetworkKind.Isolated, Bridge = "lmquiet", Subnet = Subnet.Parse("10.11.0.0/24"), Nics = [] };

    private static readonly PlannedNetwork Lan = Network with
    {
        Kind = NetworkKind.Bridge,
        Bridge = "br0",
        Subnet = null,
        Nics =
        [
            new() { Vm = "2", Slot = 0, Tap = "lmlantap", Mac = "52:54:00:00:00:02" },
            new() { Vm = "3", Slot = 0, Tap = "lmlanfixed", Mac = "52:54:00:00:00:03", Address = "192.0.2.50" },
        ],
    };

    [Fact]
    public void The_packet_rules() => AssertGolden("default.nft", Rules(Network).Replace());

    [Fact]
    public void The_packet_rules_without_a_network() => AssertGolden("empty.nft", NftRuleset.For("lamina_0", []).Replace());

    [Fact]
    public void The_files_of_dnsmasq()
    {
        var files = DnsmasqFiles.For(Network, "/run/lamina/networks/1");
        AssertGolden("dnsmasq.conf", files.Configuration);
        Assert.Equal("52:54:00:00:00:01,192.168.200.10,web\n52:54:00:00:00:02,192.168.200.11\n", files.DhcpHosts);
        Assert.Equal("192.168.200.1 gateway\n192.168.200.10 web\n", files.Names);
    }

    [Fact]
    public void The_packet_rules_of_every_kind_of_network() => AssertGolden("kinds.nft", NftRuleset.For("lamina_0", [Lab, Quiet, Lan]).Replace());

    [Fact]
    public void The_files_of_dnsmasq_with_IPv6_and_of_an_isolated_network()
    {
        var files = DnsmasqFiles.For(Lab, "/run/lamina/networks/2");
        AssertGolden("dnsmasq-ipv6.conf", files.Configuration);
        Assert.True(files.NeedsRawSockets);
        Assert.Equal("52:54:00:00:00:01,10.10.0.5,[fd12::5],web\n", files.DhcpHosts);
        Assert.Equal("10.10.0.1 gateway\nfd12::1 gateway\n10.10.0.5 web\nfd12::5 web\n", files.Names);
        AssertGolden("dnsmasq-isolated.conf", DnsmasqFiles.For(Quiet, "/run/lamina/networks/3").Configuration);
        Assert.DoesNotContain("dhcp", DnsmasqFiles.For(Lab with { Dhcp = false }, "/run/lamina/networks/2").Configuration, StringComparison.Ordinal);
        Assert.Contains(",60,1800", DnsmasqFiles.For(Lab with { HasIpv6WayOut = true }, "/run/lamina/networks/2").Configuration, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_changed_needs_no_script() => Assert.Equal("", Rules(Network).ChangeFrom(Rules(Network)));

    [Fact]
    public void A_card_more_or_less_changes_only_its_elements()
    {
        var fewer = Network with { Nics = [Network.Nics[0]] };
        Assert.Equal(
            """
            add element bridge lamina_0 addresses { "lmbbbbbbbbbbbbb" . 192.168.200.11 }
            add element bridge lamina_0 nics { "lmbbbbbbbbbbbbb" . 52:54:00:00:00:02 }
            add element bridge lamina_0 taps { "lmbbbbbbbbbbbbb" }

            """,
            Rules(Network).ChangeFrom(Rules(fewer)));
        Assert.Equal(Rules(Network).ChangeFrom(Rules(fewer)).Replace("add", "delete", StringComparison.Ordinal).Replace("deleteresses", "addresses", StringComparison.Ordinal), Rules(fewer).ChangeFrom(Rules(Network)));
    }

    [Fact]
    public void A_new_address_of_a_card_replaces_the_old_in_one_script()
    {
        var moved = Network with { Nics = [Network.Nics[0] with { Address = "192.168.200.99" }, Network.Nics[1]] };
        Assert.Equal(
            """
            delete element bridge lamina_0 addresses { "lmaaaaaaaaaaaaa" . 192.168.200.10 }
            add element bridge lamina_0 addresses { "lmaaaaaaaaaaaaa" . 192.168.200.99 }

            """,
            Rules(moved).ChangeFrom(Rules(Network)));
    }

    [Fact]
    public void Another_subnet_loads_everything_anew()
    {
        var other = Network with { Subnet = Subnet.Parse("10.1.0.0/16")!.Value };
        Assert.Equal(Rules(other).Replace(), Rules(other).ChangeFrom(Rules(Network)));
    }

    private static NftRuleset Rules(PlannedNetwork network) => NftRuleset.For("lamina_0", [network]);

    private static void AssertGolden(string name, string actual, [CallerFilePath] string here = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(here)!, "golden", name);
        if (Environment.GetEnvironmentVariable("LAMINA_WRITE_GOLDEN") is not null) File.WriteAllText(path, actual);
        Assert.Equal(File.ReadAllText(path), actual);
    }
}
