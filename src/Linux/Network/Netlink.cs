using System.Net;
using Microsoft.Win32.SafeHandles;

namespace Lamina.Linux.Network;

/// <summary>
/// Links, addresses and routes of the network namespace that the calling thread was in when this was made (rtnetlink(7)). Calls take some
/// hundred microseconds, block, and may come from any thread. All failures are <see cref="LinuxException"/>s that name the object.
/// </summary>
public sealed partial class Netlink : IDisposable
{
    private const NetlinkFlags Existing = NetlinkFlags.Acknowledge;
    private const NetlinkFlags New = NetlinkFlags.Acknowledge | NetlinkFlags.Create | NetlinkFlags.Exclusive;

    private readonly NetlinkSocket socket = new();

    public IReadOnlyList<Link> ListLinks() =>
        [.. socket.Dump("list links", new(NetlinkType.GetLink, NetlinkFlags.Dump, LinkCodec.LinkHeader())).Select(LinkCodec.ToLink).OfType<Link>()];

    public Link? FindLink(string name)
    {
        try
        {
            var request = new NetlinkMessage(NetlinkType.GetLink, NetlinkFlags.Acknowledge, LinkCodec.LinkHeader()).Add(LinkAttribute.Name, name);
            return socket.Request($"find the link {name}", request).Select(LinkCodec.ToLink).OfType<Link>().FirstOrDefault();
        }
        catch (LinuxException error) when (error.ErrorNumber == Errno.NoDevice)
        {
            return null;
        }
    }

    /// <summary>
    /// The settings come in a second request: in the first the kernel overlooks the alias, and an MTU given there would follow that of the ports.
    /// </summary>
    public void CreateBridge(string name, LinkChange settings)
    {
        var action = $"create the bridge {name}";
        CrashPoints.Reached("bridge", "create", "before");
        socket.Request(action, WithSettings(NewLink(New, name, new()), new() { Mac = settings.Mac }, action)
            .AddNested(LinkAttribute.Info, info => info.Add(LinkAttribute.InfoKind, "bridge")));
        CrashPoints.Reached("bridge", "create", "after");
        Change(name, settings);
    }

    /// <param name="name">The end in this namespace.</param>
    /// <param name="peer">The other end.</param>
    /// <param name="peerNamespace">An open namespace file for the other end; null: this namespace.</param>
    public void CreateVeth(string name, string peer, SafeFileHandle? peerNamespace = null)
    {
        using var held = new Files.HeldHandles(peerNamespace is null ? [] : [peerNamespace]);
        socket.Request($"create the link pair {name} and {peer}", NewLink(New, name, new())
            .AddNested(LinkAttribute.Info, info => info
                .Add(LinkAttribute.InfoKind, "veth")
                .AddNested(LinkAttribute.InfoData, data => data
                    .Add(LinkAttribute.VethPeer, PeerBytes(peer, held.Numbers)))));
    }

    public void Change(string name, LinkChange change)
    {
        var action = $"change the link {name}";
        socket.Request(action, WithSettings(NewLink(Existing, name, change), change, action));
        CrashPoints.Reached("link", "change", "after");
    }

    /// <returns>False when there was no such link.</returns>
    public bool DeleteLink(string name)
    {
        CrashPoints.Reached("link", "delete", "before");
        var found = Unless(
            Errno.NoDevice,
            $"delete the link {name}",
            new NetlinkMessage(NetlinkType.DeleteLink, NetlinkFlags.Acknowledge, LinkCodec.LinkHeader()).Add(LinkAttribute.Name, name));
        CrashPoints.Reached("link", "delete", "after");
        return found;
    }

    public IReadOnlyList<LinkAddress> ListAddresses(int linkIndex) =>
    [
        .. socket.Dump($"list the addresses of link {linkIndex}", new(NetlinkType.GetAddress, NetlinkFlags.Dump, LinkCodec.AddressHeader(linkIndex, null, 0)))
            .Select(LinkCodec.ToAddress).OfType<LinkAddress>(),
    ];

    /// <returns>False when the link had it already.</returns>
    public bool AddAddress(string link, IPAddress address, int prefixLength)
    {
        var isNew = Unless(Errno.Exists, $"add the address {address} to {link}", AddressMessage(NetlinkType.NewAddress, New, link, address, prefixLength));
        CrashPoints.Reached("address", "add", "after");
        return isNew;
    }

    /// <returns>False when the link had no such address.</returns>
    public bool RemoveAddress(string link, IPAddress address, int prefixLength) => Unless(
        Errno.AddressNotAvailable,
        $"remove the address {address} from {link}",
        AddressMessage(NetlinkType.DeleteAddress, NetlinkFlags.Acknowledge, link, address, prefixLength));

    /// <summary>The unicast routes of the main table.</summary>
    public IReadOnlyList<NetworkRoute> ListRoutes() =>
        [.. socket.Dump("list routes", new(NetlinkType.GetRoute, NetlinkFlags.Dump, LinkCodec.RouteHeaderForAll())).Select(LinkCodec.ToRoute).OfType<NetworkRoute>()];

    public void Dispose() => socket.Dispose();

    private static NetlinkMessage NewLink(NetlinkFlags flags, string name, LinkChange change) =>
        new NetlinkMessage(NetlinkType.NewLink, flags, LinkCodec.LinkHeader(up: change.Up)).Add(LinkAttribute.Name, name);

    /// <summary>VETH_INFO_PEER: a whole link message, fixed part and attributes, for the other end.</summary>
    private static byte[] PeerBytes(string peer, IReadOnlyList<int> peerNamespace)
    {
        var message = NewLink(NetlinkFlags.None, peer, new());
        foreach (var number in peerNamespace) message.Add(LinkAttribute.NamespaceDescriptor, number);
        return message.ToBytes(0)[NetlinkMessage.HeaderBytes..];
    }

    private NetlinkMessage AddressMessage(NetlinkType type, NetlinkFlags flags, string link, IPAddress address, int prefixLength)
    {
        var index = IndexOf(link, $"change addresses of {link}");
        return new NetlinkMessage(type, flags, LinkCodec.AddressHeader(index, address, prefixLength))
            .Add(AddressAttribute.Local, address.GetAddressBytes())
            .Add(AddressAttribute.Address, address.GetAddressBytes());
    }

    private NetlinkMessage WithSettings(NetlinkMessage message, LinkChange change, string action)
    {
        if (change.MtuBytes is { } mtu) message.Add(LinkAttribute.Mtu, mtu);
        if (change.Mac is { } mac) message.Add(LinkAttribute.Mac, mac.GetAddressBytes());
        if (change.Alias is { } alias) message.Add(LinkAttribute.Alias, alias);
        if (change.Master is { } master) message.Add(LinkAttribute.Master, master.Length == 0 ? 0 : IndexOf(master, action));
        return message;
    }

    private int IndexOf(string link, string action) =>
        FindLink(link)?.Index ?? throw new LinuxException(action, Errno.NoDevice, $"there is no link {link}");

    /// <returns>False when the kernel answered with this error.</returns>
    private bool Unless(int accepted, string action, NetlinkMessage message)
    {
        try
        {
            socket.Request(action, message);
            return true;
        }
        catch (LinuxException error) when (error.ErrorNumber == accepted)
        {
            return false;
        }
    }
}
