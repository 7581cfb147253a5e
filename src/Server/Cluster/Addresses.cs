using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Cluster;

/// <summary>Where the parts of a host answer (pure): all ports follow from the instance's number (decisions 20 and 22).</summary>
internal static class Addresses
{
    public static HostAddresses Of(Instance instance, string address) => new()
    {
        Api = Join(address, instance.ApiPort),
        Peer = Join(address, instance.PeerPort),
        Migration = address,
    };

    public static string EtcdClient(HostAddresses host) => Etcd(host, 1);

    public static string EtcdPeer(HostAddresses host) => Etcd(host, 2);

    /// <summary>Where all members answer each other, this one first: it knows its own address before that is on record.</summary>
    public static IReadOnlyList<string> Peers(CacheSnapshot snapshot, string hostId, HostAddresses own) =>
        [own.Peer, .. OthersPeers(snapshot, hostId)];

    /// <summary>Where the other members answer; those that have not written it yet are left out.</summary>
    public static IEnumerable<string> OthersPeers(CacheSnapshot snapshot, string hostId) =>
        snapshot.All(Keys.Hosts.Spec).Where(host => host.Id != hostId).Select(host => host.Record.Addresses?.Peer).OfType<string>();

    /// <summary>Where the host answers the others whose etcd answers at this address.</summary>
    public static Uri PeerOfEtcd(string client)
    {
        var etcd = new Uri(client);
        return new Uri($"https://{Join(etcd.DnsSafeHost, etcd.Port - 1)}/");
    }

    /// <summary>An address and a port, with the brackets that IPv6 wants.</summary>
    public static string Join(string address, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"{(IPAddress.TryParse(address, out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6 ? $"[{address}]" : address)}:{port}");

    /// <summary>etcd's ports come after that for the hosts.</summary>
    private static string Etcd(HostAddresses host, int after)
    {
        var peer = new Uri($"https://{host.Peer}");
        return $"https://{Join(peer.DnsSafeHost, peer.Port + after)}";
    }
}
