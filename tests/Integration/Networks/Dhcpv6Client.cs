using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Lamina.Linux.Network;
using Lamina.Testing;

namespace Lamina.Tests.Integration.Networks;

/// <summary>As much of DHCPv6 (RFC 8415) as asks for an address and hears which one is offered: SOLICIT, ADVERTISE.</summary>
internal static class Dhcpv6Client
{
    private const byte Solicit = 1;
    private const byte Advertise = 2;
    private const ushort ClientId = 1;
    private const ushort IdentityAssociation = 3;
    private const ushort AssociatedAddress = 5;
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(1);

    /// <returns>The address offered; empty: nobody answered.</returns>
    public static string Ask(NetworkNamespace space, string link, string mac, int tries = 20) => space.Run(() =>
    {
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 546));
        using var netlink = new Netlink();
        var servers = IPAddress.Parse("ff02::1:2");
        servers.ScopeId = netlink.FindLink(link)!.Index;
        var buffer = new byte[1500];
        for (var attempt = 0; attempt < tries; attempt++)
        {
            TrySend(socket, Request(mac), new IPEndPoint(servers, 547));
            if (!socket.Poll(AnswerTime, SelectMode.SelectRead)) continue;
            var length = socket.Receive(buffer);
            if (buffer[0] == Advertise && Find(buffer.AsSpan(4, length - 4)) is { } address) return address;
        }

        return "";
    });

    private static void TrySend(Socket socket, byte[] request, EndPoint servers)
    {
        try
        {
            socket.SendTo(request, servers);
        }
        catch (SocketException)
        {
            // The link-local address is not ready yet: the kernel looks for a duplicate of it.
        }
    }

    private static byte[] Request(string mac)
    {
        byte[] card = [.. mac.Split(':').Select(part => Convert.ToByte(part, 16))];
        return
        [
            Solicit, 1, 2, 3,
            .. Option(ClientId, [0, 3, 0, 1, .. card]),
            .. Option(IdentityAssociation, [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        ];
    }

    private static byte[] Option(ushort code, byte[] value)
    {
        var option = new byte[4 + value.Length];
        BinaryPrimitives.WriteUInt16BigEndian(option, code);
        BinaryPrimitives.WriteUInt16BigEndian(option.AsSpan(2), (ushort)value.Length);
        value.CopyTo(option, 4);
        return option;
    }

    private static string? Find(ReadOnlySpan<byte> options)
    {
        while (options.Length >= 4)
        {
            var (code, length) = (BinaryPrimitives.ReadUInt16BigEndian(options), BinaryPrimitives.ReadUInt16BigEndian(options[2..]));
            var value = options.Slice(4, length);
            if (code == AssociatedAddress) return new IPAddress(value[..16]).ToString();
            if (code == IdentityAssociation && Find(value[12..]) is { } inner) return inner;
            options = options[(4 + length)..];
        }

        return null;
    }
}
