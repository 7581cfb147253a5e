using System.Net;

namespace Lamina.Linux.Network;

/// <summary>
/// Links, addresses and routes of the network namespace that the calling thread was in when this was made (rtnetlink(7)). Calls take some
/// hundred microseconds, block, and may come from any thread.
/// </summary>
public sealed class Netlink : IDisposable
{
    public IReadOnlyList<Link> ListLinks() => throw new NotImplementedException();

    public Link? FindLink(string name) => throw new NotImplementedException();

    /// <exception cref="LinuxException">EEXIST…; the message names the link.</exception>
    public void CreateBridge(string name, LinkChange settings) => throw new NotImplementedException();

    /// <param name="peerNamespace">An open /run/netns/… file for the other end; null: this namespace.</param>
    public void CreateVeth(string name, string peer, Microsoft.Win32.SafeHandles.SafeFileHandle? peerNamespace = null) =>
        throw new NotImplementedException();

    public void Change(string name, LinkChange change) => throw new NotImplementedException();

    public void ChangeBridgePort(string name, BridgePortChange change) => throw new NotImplementedException();

    /// <returns>False when there was no such link.</returns>
    public bool DeleteLink(string name) => throw new NotImplementedException();

    public IReadOnlyList<LinkAddress> ListAddresses(int linkIndex) => throw new NotImplementedException();

    /// <summary>One that is there already is fine.</summary>
    public void AddAddress(string link, IPAddress address, int prefixLength) => throw new NotImplementedException();

    /// <returns>False when the link had no such address.</returns>
    public bool RemoveAddress(string link, IPAddress address, int prefixLength) => throw new NotImplementedException();

    public IReadOnlyList<Route> ListRoutes() => throw new NotImplementedException();

    /// <summary>One that is there already is fine.</summary>
    public void AddRoute(Route route) => throw new NotImplementedException();

    public void Dispose() => GC.SuppressFinalize(this);
}
