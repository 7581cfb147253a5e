using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;

namespace Lamina.Linux.Network;

/// <summary>VXLANs, VLANs and forwarding entries as rtnetlink has them (linux/if_link.h, linux/neighbour.h). Pure.</summary>
internal static class OverlayCodec
{
    public const int NeighbourBytes = 12;

    private const byte FamilyBridge = 7;
    private const ushort NoArp = 0x40;
    private const ushort Permanent = 0x80;
    private const byte OfLinkItself = 0x02; // NTF_SELF
    private const byte OfMaster = 0x04; // NTF_MASTER

    public static void AddVxlan(NetlinkMessage info, VxlanSettings settings) => info
        .Add(LinkAttribute.InfoKind, "vxlan")
        .AddNested(LinkAttribute.InfoData, data =>
        {
            data.Add(LinkAttribute.VxlanId, settings.Vni).Add(LinkAttribute.VxlanLearning, false).Add(LinkAttribute.VxlanPort, BigEndian(settings.Port));
            if (settings.Local is { } local) data.Add(LinkCodec.FamilyOf(local) == 2 ? LinkAttribute.VxlanLocal : LinkAttribute.VxlanLocal6, local.GetAddressBytes());
        });

    public static VxlanSettings ToVxlan(Dictionary<ushort, ReadOnlyMemory<byte>> data) => new(
        data.ReadNumber(LinkAttribute.VxlanId) ?? 0,
        data.TryGetValue(LinkAttribute.VxlanLocal, out var local) || data.TryGetValue(LinkAttribute.VxlanLocal6, out local) ? new IPAddress(local.Span) : null,
        PortOf(data, LinkAttribute.VxlanPort));

    /// <summary>A link for the frames of its parent that bear one tag (IEEE 802.1Q).</summary>
    public static void AddVlan(NetlinkMessage info, int tag) => info
        .Add(LinkAttribute.InfoKind, "vlan")
        .AddNested(LinkAttribute.InfoData, data => data.Add(LinkAttribute.VlanId, LittleEndian(tag)));

    public static int? ToVlan(Dictionary<ushort, ReadOnlyMemory<byte>> data) =>
        data.TryGetValue(LinkAttribute.VlanId, out var tag) && tag.Length >= 2 ? BinaryPrimitives.ReadUInt16LittleEndian(tag.Span) : null;

    /// <summary>A dump of the entries of one link, and of those that its bridge has for it. Strict checking wants all else zero.</summary>
    public static NetlinkMessage List(int link)
    {
        var header = new byte[NeighbourBytes];
        header[0] = FamilyBridge;
        return new NetlinkMessage(NetlinkType.GetNeighbour, NetlinkFlags.Dump, header).Add(NeighbourAttribute.Link, link);
    }

    /// <summary>An entry of the VXLAN itself.</summary>
    public static NetlinkMessage Request(NetlinkType type, NetlinkFlags flags, int link, OverlayEntry entry)
    {
        var message = new NetlinkMessage(type, flags, Header(link, NoArp | Permanent, OfLinkItself))
            .Add(NeighbourAttribute.Mac, entry.Mac.GetAddressBytes())
            .Add(NeighbourAttribute.Destination, entry.Destination.GetAddressBytes());
        return entry.Port == 0 ? message : message.Add(NeighbourAttribute.Port, BigEndian(entry.Port));
    }

    /// <summary>An entry of the bridge: who has this MAC is behind that port. It does not age.</summary>
    public static NetlinkMessage Request(NetlinkType type, NetlinkFlags flags, int link, PhysicalAddress mac) =>
        new NetlinkMessage(type, flags, Header(link, NoArp, OfMaster)).Add(NeighbourAttribute.Mac, mac.GetAddressBytes());

    /// <summary>Null: another link's, or none with an other end.</summary>
    public static OverlayEntry? ToEntry(NetlinkAnswer answer, int link)
    {
        if (Read(answer, link) is not { } found || (answer.Body.Span[10] & OfLinkItself) == 0) return null;
        return found.TryGetValue(NeighbourAttribute.Destination, out var destination) && found.TryGetValue(NeighbourAttribute.Mac, out var mac)
            ? new(new(mac.ToArray()), new(destination.Span), PortOf(found, NeighbourAttribute.Port))
            : null;
    }

    /// <summary>Null: another link's, or not one that was set.</summary>
    public static PhysicalAddress? ToBehind(NetlinkAnswer answer, int link)
    {
        if (Read(answer, link) is not { } found || !found.ContainsKey(NeighbourAttribute.Master)) return null;
        var state = BinaryPrimitives.ReadUInt16LittleEndian(answer.Body.Span[8..]);
        return (state & NoArp) != 0 && found.TryGetValue(NeighbourAttribute.Mac, out var mac) ? new(mac.ToArray()) : null;
    }

    private static Dictionary<ushort, ReadOnlyMemory<byte>>? Read(NetlinkAnswer answer, int link) =>
        answer.Type == NetlinkType.NewNeighbour && answer.Body.Length >= NeighbourBytes && BinaryPrimitives.ReadInt32LittleEndian(answer.Body.Span[4..]) == link
            ? NetlinkReader.ReadAttributes(answer.Body[NeighbourBytes..])
            : null;

    /// <summary>struct ndmsg.</summary>
    private static byte[] Header(int link, ushort state, byte flags)
    {
        var header = new byte[NeighbourBytes];
        header[0] = FamilyBridge;
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), link);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(8), state);
        header[10] = flags;
        return header;
    }

    private static byte[] LittleEndian(int number) => [(byte)number, (byte)(number >> 8)];

    private static byte[] BigEndian(int port) => [(byte)(port >> 8), (byte)port];

    private static int PortOf(Dictionary<ushort, ReadOnlyMemory<byte>> attributes, ushort type) =>
        attributes.TryGetValue(type, out var port) && port.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(port.Span) : 0;
}
