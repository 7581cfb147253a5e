using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Lamina.Linux.Network;

/// <summary>Turns our records into rtnetlink's structures and back (linux/rtnetlink.h, linux/if_link.h). Pure.</summary>
internal static class LinkCodec
{
    private const int LinkBytes = 16;
    private const int AddressBytes = 8;
    private const int RouteBytes = 12;
    private const uint FlagUp = 1;
    private const uint FlagCarrier = 0x10000; // IFF_LOWER_UP
    private const byte FamilyIPv4 = 2;
    private const byte FamilyIPv6 = 10;
    private const int MainTable = 254;
    private const byte Unicast = 1;

    /// <summary>struct ifinfomsg.</summary>
    public static byte[] LinkHeader(int index = 0, bool? up = null)
    {
        var header = new byte[LinkBytes];
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), index);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), up == true ? FlagUp : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), up is null ? 0 : FlagUp);
        return header;
    }

    /// <summary>struct ifaddrmsg.</summary>
    public static byte[] AddressHeader(int linkIndex, IPAddress? address, int prefixLength)
    {
        var header = new byte[AddressBytes];
        header[0] = address is null ? (byte)0 : FamilyOf(address);
        header[1] = (byte)prefixLength;
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), linkIndex);
        return header;
    }

    /// <summary>struct rtmsg for a dump of all families and tables: strict checking wants every other member zero.</summary>
    public static byte[] RouteHeaderForAll() => new byte[RouteBytes];

    public static byte FamilyOf(IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork ? FamilyIPv4 : FamilyIPv6;

    public static Link? ToLink(NetlinkAnswer answer)
    {
        if (answer.Type != NetlinkType.NewLink || answer.Body.Length < LinkBytes) return null;
        var header = answer.Body.Span;
        var attributes = NetlinkReader.ReadAttributes(answer.Body[LinkBytes..]);
        if (attributes.ReadText(LinkAttribute.Name) is not { } name) return null;
        var about = attributes.TryGetValue(LinkAttribute.Info, out var info) ? NetlinkReader.ReadAttributes(info) : [];
        var kind = about.ReadText(LinkAttribute.InfoKind);
        var data = about.TryGetValue(LinkAttribute.InfoData, out var settings) ? settings : default;
        return new()
        {
            Index = BinaryPrimitives.ReadInt32LittleEndian(header[4..]),
            Name = name,
            IsUp = (BinaryPrimitives.ReadUInt32LittleEndian(header[8..]) & FlagUp) != 0,
            HasCarrier = (BinaryPrimitives.ReadUInt32LittleEndian(header[8..]) & FlagCarrier) != 0,
            Kind = kind,
            Vxlan = kind == "vxlan" ? OverlayCodec.ToVxlan(NetlinkReader.ReadAttributes(data)) : null,
            Vlan = kind == "vlan" ? OverlayCodec.ToVlan(NetlinkReader.ReadAttributes(data)) : null,
            Alias = attributes.ReadText(LinkAttribute.Alias),
            ParentIndex = attributes.ReadNumber(LinkAttribute.Parent),
            MasterIndex = attributes.ReadNumber(LinkAttribute.Master),
            MtuBytes = attributes.ReadNumber(LinkAttribute.Mtu) ?? 0,
            Mac = attributes.TryGetValue(LinkAttribute.Mac, out var mac) ? new PhysicalAddress(mac.ToArray()) : null,
            Statistics = attributes.TryGetValue(LinkAttribute.Statistics, out var counters) ? ToStatistics(counters.Span) : new(0, 0, 0, 0, 0, 0),
        };
    }

    public static LinkAddress? ToAddress(NetlinkAnswer answer)
    {
        if (answer.Type != NetlinkType.NewAddress || answer.Body.Length < AddressBytes) return null;
        var attributes = NetlinkReader.ReadAttributes(answer.Body[AddressBytes..]);

        // Local is this end; Address is the other end on a point-to-point link, and the only one for IPv6.
        if (!attributes.TryGetValue(AddressAttribute.Local, out var address) && !attributes.TryGetValue(AddressAttribute.Address, out address)) return null;
        return new(BinaryPrimitives.ReadInt32LittleEndian(answer.Body.Span[4..]), new IPAddress(address.Span), answer.Body.Span[1]);
    }

    public static NetworkRoute? ToRoute(NetlinkAnswer answer)
    {
        if (answer.Type != NetlinkType.NewRoute || answer.Body.Length < RouteBytes) return null;
        var header = answer.Body.Span;
        var attributes = NetlinkReader.ReadAttributes(answer.Body[RouteBytes..]);
        if ((attributes.ReadNumber(AddressAttribute.RouteTable) ?? header[4]) != MainTable || header[7] != Unicast) return null;
        return new()
        {
            Destination = attributes.TryGetValue(AddressAttribute.RouteDestination, out var destination) ? new(new(destination.Span), header[1]) : null,
            Gateway = attributes.TryGetValue(AddressAttribute.RouteGateway, out var gateway) ? new(gateway.Span) : null,
            LinkIndex = attributes.ReadNumber(AddressAttribute.RouteLink),
        };
    }

    /// <summary>struct rtnl_link_stats64 begins: packets in, out; bytes in, out; errors in, out; drops in, out.</summary>
    private static LinkStatistics ToStatistics(ReadOnlySpan<byte> counters)
    {
        if (counters.Length < 64) return new(0, 0, 0, 0, 0, 0);
        Span<ulong> values = stackalloc ulong[8];
        for (var i = 0; i < values.Length; i++) values[i] = BinaryPrimitives.ReadUInt64LittleEndian(counters[(i * 8)..]);
        return new(values[2], values[3], values[0], values[1], values[6], values[7]);
    }
}
