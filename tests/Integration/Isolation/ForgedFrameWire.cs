using System.Buffers.Binary;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Lamina.Linux.Network;
using Lamina.Tests.Integration.Networks;

namespace Lamina.Tests.Integration.Isolation;

/// <summary>Two cards of one network, as sockets that send and hear frames byte by byte.</summary>
public sealed class ForgedFrameWire : IAsyncLifetime
{
    internal const string HostileMac = "52:54:00:00:00:01";
    internal const string VictimMac = "52:54:00:00:00:02";
    internal const ushort Ipv4 = 0x0800;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private NetworkBench bench = null!;
    private Socket wire = null!;
    private Socket ear = null!;
    private ushort marks;

    internal string HostileAddress { get; private set; } = "";

    internal string VictimAddress { get; private set; } = "";

    internal string GatewayMac => bench.Bridge.Mac!.ToString();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        bench = await NetworkBench.CreateAsync();
        var (hostile, victim) = (bench.Nic(HostileMac, 20), bench.Nic(VictimMac, 21));
        (HostileAddress, VictimAddress) = (hostile.Address!, victim.Address!);
        var vms = (await bench.AddVmAsync("hostile", hostile), await bench.AddVmAsync("victim", victim));
        Assert.Empty(await bench.ApplyAsync());
        wire = Raw(bench.Plug(vms.Item1, hostile));
        ear = Raw(bench.Plug(vms.Item2, victim));
        await ArrivesOnlyAsync(null);
    }

    public async ValueTask DisposeAsync()
    {
        wire.Dispose();
        ear.Dispose();
        await bench.DisposeAsync();
    }

    /// <summary>Sends the frame, then an honest one, and hears only that.</summary>
    internal async Task ArrivesOnlyAsync(byte[]? forged)
    {
        ushort mark = (ushort)(40_000 + ++marks);
        if (forged is not null) await wire.SendAsync(forged, Cancellation);
        await wire.SendAsync(Frame(VictimMac, HostileMac, Ipv4, Datagram(HostileAddress, VictimAddress, mark, mark)), Cancellation);
        var buffer = new byte[2048];
        while (true)
        {
            int count = await ear.ReceiveAsync(buffer, Cancellation).AsTask().WaitAsync(Patience, Cancellation);
            var frame = buffer.AsSpan(0, count).ToArray();
            if (count >= 36 && BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(12)) == Ipv4 && BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(36)) == mark) return;
            if (forged is not null) Assert.False(frame.AsSpan().StartsWith(forged) || IsFromHostile(frame), $"It arrived: {Convert.ToHexStringLower(frame)}");
        }
    }

    /// <summary>Whatever it pretends: the victim's own frames go out here, and the gateway and dnsmasq speak from the bridge's MAC.</summary>
    private static bool IsFromHostile(byte[] frame) => frame.AsSpan(6, 6).SequenceEqual(Mac(HostileMac));

    internal static byte[] Frame(string to, string from, ushort type, byte[] content) => [.. Mac(to), .. Mac(from), (byte)(type >> 8), (byte)type, .. content];

    /// <summary>A UDP datagram without checksum, which IPv4 allows, of eight bytes.</summary>
    internal static byte[] Datagram(string from, string to, ushort fromPort, ushort toPort)
    {
        byte[] packet = [0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0, .. Address(from), .. Address(to), .. Port(fromPort), .. Port(toPort), 0, 16, 0, 0, .. new byte[8]];
        uint sum = 0;
        for (int index = 0; index < 20; index += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(index));
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(10), (ushort)~((sum & 0xffff) + (sum >> 16)));
        return packet;
    }

    private static byte[] Port(ushort port) => [(byte)(port >> 8), (byte)port];

    internal static byte[] Mac(string mac) => PhysicalAddress.Parse(mac.Replace(":", "", StringComparison.Ordinal)).GetAddressBytes();

    internal static byte[] Address(string address) => IPAddress.Parse(address).GetAddressBytes();

    /// <summary>Every frame of the card, in and out (packet(7)).</summary>
    private static Socket Raw(Guest guest) => guest.Space.Run(() =>
    {
        const int AllProtocols = 0x0300; // ETH_P_ALL in network order
        var socket = new Socket(AddressFamily.Packet, SocketType.Raw, (ProtocolType)AllProtocols);
        using var netlink = new Netlink();
        socket.Bind(new LinkEndPoint(netlink.FindLink("eth0")!.Index));
        return socket;
    });

    /// <summary>struct sockaddr_ll.</summary>
    private sealed class LinkEndPoint(int index) : EndPoint
    {
        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily.Packet, 20);
            address[3] = 3; // ETH_P_ALL
            for (int part = 0; part < 4; part++) address[4 + part] = (byte)(index >> (8 * part));
            return address;
        }

        public override EndPoint Create(SocketAddress socketAddress) => this;
    }
}
