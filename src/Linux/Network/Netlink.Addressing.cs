namespace Lamina.Linux.Network;

/// <summary>Whole sets of addresses and routes, as they are moved from one link to another.</summary>
public sealed partial class Netlink
{
    /// <summary>What people or programs gave the link: not what the kernel makes by itself.</summary>
    public LinkAddressing ReadAddressing(int linkIndex) => new()
    {
        Addresses =
        [
            .. socket.Dump($"list the addresses of link {linkIndex}", new(NetlinkType.GetAddress, NetlinkFlags.Dump, LinkCodec.AddressHeader(linkIndex, null, 0)))
                .Select(answer => AddressingCodec.ToAddress(answer, linkIndex)).OfType<SavedAddress>(),
        ],
        Routes =
        [
            .. socket.Dump("list routes", new(NetlinkType.GetRoute, NetlinkFlags.Dump, LinkCodec.RouteHeaderForAll()))
                .Select(answer => AddressingCodec.ToRoute(answer, linkIndex)).OfType<SavedRoute>(),
        ],
    };

    /// <summary>Sets all of it, addresses first; what is there already is fine.</summary>
    public void AddAddressing(string link, LinkAddressing addressing)
    {
        var index = IndexOf(link, $"set addresses of {link}");
        foreach (var address in addressing.Addresses)
        {
            Unless(Errno.Exists, $"add the address {address.Text} to {link}", AddressingCodec.Request(NetlinkType.NewAddress, New, address, index));
            CrashPoints.Reached("address", "add", "after");
        }

        foreach (var route in addressing.Routes)
        {
            Unless(Errno.Exists, $"add the route {route.Text} by {link}", AddressingCodec.Request(NetlinkType.NewRoute, New, route, index));
            CrashPoints.Reached("route", "add", "after");
        }
    }

    /// <summary>Removes all of it, routes first; what is not there is fine.</summary>
    public void RemoveAddressing(string link, LinkAddressing addressing)
    {
        var index = IndexOf(link, $"remove addresses of {link}");
        foreach (var route in addressing.Routes)
        {
            Unless(Errno.NoSuchProcess, $"remove the route {route.Text} by {link}", AddressingCodec.Request(NetlinkType.DeleteRoute, Existing, route, index));
            CrashPoints.Reached("route", "remove", "after");
        }

        foreach (var address in addressing.Addresses)
        {
            Unless(Errno.AddressNotAvailable, $"remove the address {address.Text} from {link}", AddressingCodec.Request(NetlinkType.DeleteAddress, Existing, address, index));
            CrashPoints.Reached("address", "remove", "after");
        }
    }
}
