using System.Buffers.Binary;
using System.Net;

namespace Lamina.Linux.Network;

/// <summary>
/// Takes addresses and routes out of the kernel's answers in a form in which they can be asked for again on another link (linux/if_addr.h,
/// linux/rtnetlink.h). Pure. What the kernel makes by itself is left out: link-local addresses, routes to a link's own subnets, what routers advertise.
/// </summary>
internal static class AddressingCodec
{
    public const int AddressBytes = 8;
    public const int RouteBytes = 12;

    private const byte IPv6 = 10;
    private const byte ScopeLink = 253;
    private const byte ProtocolKernel = 2;
    private const byte ProtocolRouterAdvertisement = 9;
    private const int LocalTable = 255;
    private const uint Permanent = 0x80;
    private const uint NoDuplicateSearch = 0x02;
    private const uint NoPrefixRoute = 0x200;
    private const uint OnLink = 4;
    private const uint Cloned = 0x200;

    private static readonly ushort[] KeptOfAddress = [AddressAttribute.Address, AddressAttribute.Local, AddressAttribute.Broadcast, AddressAttribute.RoutePriority];

    private static readonly ushort[] KeptOfRoute =
    [
        AddressAttribute.RouteDestination, AddressAttribute.RouteSource, AddressAttribute.RouteGateway, AddressAttribute.RouteMetric, AddressAttribute.RoutePreferredSource,
        AddressAttribute.RouteMetrics, AddressAttribute.RouteTable, AddressAttribute.RouteVia, AddressAttribute.RoutePreference,
    ];

    /// <summary>Null: of another link, or one that the kernel makes.</summary>
    public static SavedAddress? ToAddress(NetlinkAnswer answer, int linkIndex)
    {
        if (answer.Type != NetlinkType.NewAddress || answer.Body.Length < AddressBytes) return null;
        var header = answer.Body.Span[..AddressBytes];
        if (BinaryPrimitives.ReadInt32LittleEndian(header[4..]) != linkIndex || (header[0] == IPv6 && header[3] == ScopeLink)) return null;
        var attributes = NetlinkReader.ReadAttributes(answer.Body[AddressBytes..]);
        if (!attributes.TryGetValue(AddressAttribute.Local, out var address) && !attributes.TryGetValue(AddressAttribute.Address, out address)) return null;
        var flags = (uint)(attributes.ReadNumber(AddressAttribute.Flags) ?? header[2]);

        // Known to be free: it was in use until now. A search for duplicates would hold it back for seconds.
        var wanted = (flags & NoPrefixRoute) | (header[0] == IPv6 ? NoDuplicateSearch : 0);
        byte[] fixedPart = [header[0], header[1], 0, header[3], 0, 0, 0, 0];
        var message = Rebuild(fixedPart, attributes, KeptOfAddress).Add(AddressAttribute.Flags, (int)wanted);
        return new()
        {
            Text = $"{new IPAddress(address.Span)}/{header[1]}",
            IsIPv6 = header[0] == IPv6,
            IsDynamic = (flags & Permanent) == 0,
            Message = BodyOf(message),
        };
    }

    /// <summary>Null: not by this link, or one that the kernel makes.</summary>
    public static SavedRoute? ToRoute(NetlinkAnswer answer, int linkIndex)
    {
        if (answer.Type != NetlinkType.NewRoute || answer.Body.Length < RouteBytes) return null;
        var header = answer.Body.Span[..RouteBytes];
        var attributes = NetlinkReader.ReadAttributes(answer.Body[RouteBytes..]);
        var isShared = attributes.TryGetValue(AddressAttribute.RouteMultipath, out var hops) && HopsBy(hops, linkIndex);
        if (!isShared && attributes.ReadNumber(AddressAttribute.RouteLink) != linkIndex) return null;
        var flags = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        var table = attributes.ReadNumber(AddressAttribute.RouteTable) ?? header[4];
        if (table == LocalTable || header[5] is ProtocolKernel or ProtocolRouterAdvertisement || (flags & Cloned) != 0) return null;
        var fixedPart = header.ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(fixedPart.AsSpan(8), flags & OnLink);
        return new()
        {
            Text = Describe(header, attributes),
            IsShared = isShared || attributes.ContainsKey(AddressAttribute.RouteNextHop),
            Message = BodyOf(Rebuild(fixedPart, attributes, KeptOfRoute)),
        };
    }

    /// <summary>The request that sets (or removes) an address of a link.</summary>
    public static NetlinkMessage Request(NetlinkType type, NetlinkFlags flags, SavedAddress address, int linkIndex)
    {
        var body = address.Message.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4), linkIndex);
        return new(type, flags, body);
    }

    /// <summary>The request that sets (or removes) a route by a link.</summary>
    public static NetlinkMessage Request(NetlinkType type, NetlinkFlags flags, SavedRoute route, int linkIndex) =>
        new NetlinkMessage(type, flags, route.Message).Add(AddressAttribute.RouteLink, linkIndex);

    /// <summary>struct rtnexthop: length, flags, hops, link; its attributes follow.</summary>
    private static bool HopsBy(ReadOnlyMemory<byte> hops, int linkIndex)
    {
        while (hops.Length >= 8)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(hops.Span);
            if (BinaryPrimitives.ReadInt32LittleEndian(hops.Span[4..]) == linkIndex) return true;
            if (length < 8) return false;
            hops = hops[Math.Min((length + 3) & ~3, hops.Length)..];
        }

        return false;
    }

    private static NetlinkMessage Rebuild(byte[] fixedPart, Dictionary<ushort, ReadOnlyMemory<byte>> attributes, ushort[] kept)
    {
        var message = new NetlinkMessage(NetlinkType.NewRoute, NetlinkFlags.None, fixedPart);
        foreach (var type in kept)
            if (attributes.TryGetValue(type, out var value))
                message.Add(type, value.Span);
        return message;
    }

    private static byte[] BodyOf(NetlinkMessage message) => message.ToBytes(0)[NetlinkMessage.HeaderBytes..];

    private static string Describe(ReadOnlySpan<byte> header, Dictionary<ushort, ReadOnlyMemory<byte>> attributes)
    {
        var destination = attributes.TryGetValue(AddressAttribute.RouteDestination, out var to) ? $"{new IPAddress(to.Span)}/{header[1]}" : header[0] == IPv6 ? "default (IPv6)" : "default";
        var gateway = attributes.TryGetValue(AddressAttribute.RouteGateway, out var via) ? $" via {new IPAddress(via.Span)}" : "";
        return $"{destination}{gateway}{(attributes.ReadNumber(AddressAttribute.RouteMetric) is { } metric ? $" metric {metric}" : "")}";
    }
}
