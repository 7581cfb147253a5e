using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Lamina.Server.Networks;

/// <summary>An IPv4 subnet in CIDR form with its guests' addresses: the first host is the gateway's, the last address is broadcast.</summary>
internal readonly record struct Subnet
{
    private Subnet(uint network, int prefixLength)
    {
        Network = network;
        PrefixLength = prefixLength;
    }

    public int PrefixLength { get; }

    public string NetworkAddress => Text(Network);

    /// <summary>"255.255.255.0".</summary>
    public string Mask => Text(MaskBits);

    public string Gateway => Text(Network + 1);

    public string Broadcast => Text(Network | ~MaskBits);

    public int FirstByte => (int)(Network >> 24);

    /// <summary>How many guests it holds.</summary>
    public int GuestCount => (int)(~MaskBits - 2);

    private uint Network { get; }

    private uint MaskBits => uint.MaxValue << (32 - PrefixLength);

    /// <summary>Null: no CIDR form, host bits set, or no room for a gateway and a guest (prefixes 8 to 29 are taken).</summary>
    public static Subnet? Parse(string? cidr)
    {
        string[] parts = cidr?.Split('/') ?? [];
        if (parts.Length != 2 || Number(parts[0]) is not { } network) return null;
        if (!int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int length) || length is < 8 or > 29) return null;
        var subnet = new Subnet(network, length);
        return (network & ~subnet.MaskBits) == 0 ? subnet : null;
    }

    /// <summary>The n-th guest's address, from 0.</summary>
    public string Guest(int index) => Text(Network + 2 + (uint)index);

    /// <summary>The number of an address of this subnet, from 0 for the network's own.</summary>
    public uint NumberOf(string address) => (Number(address) ?? throw new ArgumentException($"{address} is no IPv4 address.", nameof(address))) - Network;

    /// <summary>The two have addresses in common.</summary>
    public bool Overlaps(Subnet other) => PrefixLength <= other.PrefixLength ? (other.Network & MaskBits) == Network : (Network & other.MaskBits) == other.Network;

    /// <summary>The address belongs to a guest: it lies in the subnet and is not its network, gateway or broadcast address.</summary>
    public bool HoldsGuest(string address) =>
        Number(address) is { } number && (number & MaskBits) == Network && number - Network >= 2 && number != (Network | ~MaskBits);

    /// <summary>The address in dotted form without leading zeros; null when it is none.</summary>
    public static string? Normalize(string address) => Number(address) is { } number ? Text(number) : null;

    /// <summary>CIDR form.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{NetworkAddress}/{PrefixLength}");

    private static uint? Number(string text) =>
        text.Split('.').Length == 4 && IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetwork
            ? BinaryPrimitives.ReadUInt32BigEndian(address.GetAddressBytes())
            : null;

    private static string Text(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes).ToString();
    }
}
