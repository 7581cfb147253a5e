using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Lamina.Server.Networks;

/// <summary>An IPv6 /64 with its guests' addresses: number 1 is the gateway's, a guest's number is the one that its IPv4 address has in its subnet.</summary>
internal readonly record struct Ipv6Subnet
{
    public const int PrefixLength = 64;

    private const int PrefixBytes = 8;
    private const int GlobalIdBytes = 5;

    private readonly UInt128 _network;

    private Ipv6Subnet(UInt128 network) => _network = network;

    public string NetworkAddress => Text(_network);

    public string Gateway => Address(1);

    /// <summary>Null: no CIDR form, another prefix than 64, host bits set, or addresses that no network may have (RFC 4291: loopback, link-local, multicast).</summary>
    public static Ipv6Subnet? Parse(string? cidr)
    {
        if (cidr is null || !IPNetwork.TryParse(cidr, out var parsed) || parsed.PrefixLength != PrefixLength) return null;
        var address = parsed.BaseAddress;
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || address.IsIPv6Multicast || address.IsIPv6LinkLocal || address.IsIPv4MappedToIPv6) return null;
        var network = Number(address);
        return network >> PrefixLength == 0 ? null : new Ipv6Subnet(network);
    }

    /// <summary>A private /64 that hardly anybody else has: fd, 40 random bits, subnet 0 (RFC 4193, section 3.2).</summary>
    public static Ipv6Subnet Draw()
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes[0] = 0xfd;
        RandomNumberGenerator.Fill(bytes[1..(1 + GlobalIdBytes)]);
        return new(Number(new IPAddress(bytes)));
    }

    public string Address(uint number) => Text(_network + number);

    /// <summary>What Linux makes of a MAC in this network's place: fe80 and the modified EUI-64 (RFC 4291, appendix A).</summary>
    public static string LinkLocalOf(string mac)
    {
        byte[] parts = [.. mac.Split(':').Select(part => Convert.ToByte(part, 16))];
        ReadOnlySpan<byte> bytes = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, (byte)(parts[0] ^ 2), parts[1], parts[2], 0xff, 0xfe, parts[3], parts[4], parts[5]];
        return new IPAddress(bytes).ToString();
    }

    /// <summary>An address as the number that it is: <c>0xfe80…</c>, 32 digits.</summary>
    public static string Hexadecimal(string address) => $"0x{Convert.ToHexStringLower(IPAddress.Parse(address).GetAddressBytes())}";

    /// <summary>CIDR form.</summary>
    public override string ToString() => $"{NetworkAddress}/{PrefixLength}";

    private static UInt128 Number(IPAddress address) => System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(address.GetAddressBytes());

    private static string Text(UInt128 number)
    {
        Span<byte> bytes = stackalloc byte[2 * PrefixBytes];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt128BigEndian(bytes, number);
        return new IPAddress(bytes).ToString();
    }
}
