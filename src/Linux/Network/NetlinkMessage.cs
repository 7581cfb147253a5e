using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Lamina.Linux.Network;

/// <summary>Builds one rtnetlink request: header, a fixed part, attributes (netlink(7)). Numbers are in the byte order of the machine.</summary>
internal sealed class NetlinkMessage
{
    public const int HeaderBytes = 16;
    private const ushort Nested = 0x8000;

    private readonly ArrayBufferWriter<byte> buffer = new(256);

    /// <param name="type">RTM_*.</param>
    /// <param name="flags">NLM_F_*; request is added.</param>
    /// <param name="fixedPart">ifinfomsg, ifaddrmsg, rtmsg…</param>
    public NetlinkMessage(NetlinkType type, NetlinkFlags flags, ReadOnlySpan<byte> fixedPart)
    {
        Type = type;
        Flags = flags | NetlinkFlags.Request;
        buffer.Write(stackalloc byte[HeaderBytes]);
        buffer.Write(fixedPart);
        Pad();
    }

    public NetlinkType Type { get; }

    public NetlinkFlags Flags { get; }

    public NetlinkMessage Add(ushort type, ReadOnlySpan<byte> value)
    {
        Span<byte> header = stackalloc byte[4];
        BinaryPrimitives.WriteUInt16LittleEndian(header, (ushort)(4 + value.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(header[2..], type);
        buffer.Write(header);
        buffer.Write(value);
        Pad();
        return this;
    }

    public NetlinkMessage Add(ushort type, string value) => Add(type, [.. Encoding.UTF8.GetBytes(value), 0]);

    public NetlinkMessage Add(ushort type, byte value) => Add(type, [value]);

    public NetlinkMessage Add(ushort type, bool value) => Add(type, value ? (byte)1 : (byte)0);

    public NetlinkMessage Add(ushort type, int value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        return Add(type, bytes);
    }

    /// <summary>An attribute that holds attributes.</summary>
    public NetlinkMessage AddNested(ushort type, Action<NetlinkMessage> content)
    {
        var inner = new NetlinkMessage(Type, Flags, []);
        content(inner);
        return Add((ushort)(type | Nested), inner.buffer.WrittenSpan[HeaderBytes..]);
    }

    public byte[] ToBytes(uint sequence)
    {
        var bytes = buffer.WrittenSpan.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(bytes, bytes.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(4), (ushort)Type);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(6), (ushort)Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), sequence);
        return bytes;
    }

    private void Pad()
    {
        var missing = -buffer.WrittenCount & 3;
        if (missing > 0) buffer.Write(stackalloc byte[missing]);
    }
}
