using System.Net;

namespace Lamina.Tests.Integration.Isolation;

/// <summary>
/// Frames as no honest guest sends them, put on the wire byte by byte from one card, with a neighbour that listens to everything. Behind each forged frame an honest one
/// follows: when it arrives, what was before it arrived or never will.
/// </summary>
public sealed class ForgedFrameTests(ForgedFrameWire wire) : IClassFixture<ForgedFrameWire>
{
    private const string HostileMac = ForgedFrameWire.HostileMac;
    private const string VictimMac = ForgedFrameWire.VictimMac;
    private const string Broadcast = "ff:ff:ff:ff:ff:ff";
    private const string Gateway = "192.168.255.1";
    private const ushort Ipv4 = ForgedFrameWire.Ipv4;
    private const ushort Arp = 0x0806;
    private const ushort Ipv6 = 0x86dd;

    [Fact]
    public Task Another_MAC_as_sender() => wire.ArrivesOnlyAsync(ForgedFrameWire.Frame(VictimMac, VictimMac, Ipv4, ForgedFrameWire.Datagram(wire.HostileAddress, wire.VictimAddress, 9, 9)));

    [Fact]
    public Task The_gateways_MAC_as_sender() => wire.ArrivesOnlyAsync(ForgedFrameWire.Frame(VictimMac, wire.GatewayMac, Ipv4, ForgedFrameWire.Datagram(wire.HostileAddress, wire.VictimAddress, 9, 9)));

    [Theory]
    [InlineData("192.168.255.23")] // the victim's
    [InlineData(Gateway)]
    [InlineData("192.168.255.99")]
    [InlineData("8.8.8.8")]
    [InlineData("0.0.0.0")]
    [InlineData("255.255.255.255")]
    public Task Another_address_as_sender(string forged) => wire.ArrivesOnlyAsync(ForgedFrameWire.Frame(VictimMac, HostileMac, Ipv4, ForgedFrameWire.Datagram(forged, wire.VictimAddress, 9, 9)));

    [Theory]
    [InlineData(1, HostileMac, "192.168.255.23")] // who asks is the victim
    [InlineData(2, HostileMac, "192.168.255.23")]
    [InlineData(2, HostileMac, Gateway)]
    [InlineData(1, HostileMac, Gateway)]
    [InlineData(2, VictimMac, "192.168.255.22")] // its own address at another card
    [InlineData(2, "02:00:00:00:00:09", Gateway)]
    public Task ARP_that_lies(int operation, string mac, string address)
    {
        byte[] lie = [0, 1, 8, 0, 6, 4, 0, (byte)operation, .. ForgedFrameWire.Mac(mac), .. ForgedFrameWire.Address(address), .. ForgedFrameWire.Mac(VictimMac), .. ForgedFrameWire.Address(operation == 1 ? address : wire.VictimAddress)];
        return wire.ArrivesOnlyAsync(ForgedFrameWire.Frame(Broadcast, HostileMac, Arp, lie));
    }

    [Fact]
    public Task An_offer_of_DHCP() => wire.ArrivesOnlyAsync(ForgedFrameWire.Frame(Broadcast, HostileMac, Ipv4, ForgedFrameWire.Datagram(wire.HostileAddress, "255.255.255.255", 67, 68)));

    [Theory]
    [InlineData(0x8100)] // 802.1Q
    [InlineData(0x88a8)] // 802.1ad
    public Task A_tag_before_an_honest_packet(int tag) =>
        wire.ArrivesOnlyAsync(ForgedFrameWire.Frame(VictimMac, HostileMac, (ushort)tag, [0, 5, 8, 0, .. ForgedFrameWire.Datagram(wire.HostileAddress, wire.VictimAddress, 9, 9)]));

    [Theory]
    [InlineData(0x88cc)] // LLDP
    [InlineData(0x8863)] // PPPoE discovery
    [InlineData(0x8137)] // IPX
    [InlineData(0x0026)] // a length: LLC, as spanning tree speaks it
    public Task Any_other_protocol(int type) => wire.ArrivesOnlyAsync(ForgedFrameWire.Frame(Broadcast, HostileMac, (ushort)type, new byte[46]));

    [Fact]
    public Task Spanning_tree_to_its_own_group() => wire.ArrivesOnlyAsync(ForgedFrameWire.Frame("01:80:c2:00:00:00", HostileMac, 0x0026, [0x42, 0x42, 3, .. new byte[43]]));

    [Theory]
    [InlineData(134)] // a router advertisement
    [InlineData(135)]
    [InlineData(136)] // a neighbour advertisement
    [InlineData(137)] // a redirect
    public Task ICMP_of_IPv6_in_a_network_without_IPv6(int type) =>
        wire.ArrivesOnlyAsync(ForgedFrameWire.Frame("33:33:00:00:00:01", HostileMac, Ipv6, [0x60, 0, 0, 0, 0, 8, 58, 255, .. IPAddress.Parse("fe80::1").GetAddressBytes(), .. IPAddress.Parse("ff02::1").GetAddressBytes(), (byte)type, 0, 0, 0, 0, 0, 0, 0]));

    [Theory]
    [InlineData(0)]
    [InlineData(14)]
    [InlineData(20)]
    public Task A_packet_that_is_cut_short(int bytes) => wire.ArrivesOnlyAsync(ForgedFrameWire.Frame(VictimMac, HostileMac, Ipv4, ForgedFrameWire.Datagram(wire.HostileAddress, wire.VictimAddress, 9, 9)[..bytes])[..Math.Max(14, bytes)]);
}
