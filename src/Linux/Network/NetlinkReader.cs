using System.Buffers.Binary;
using System.Text;

namespace Lamina.Linux.Network;

/// <summary>One message of the kernel's answer.</summary>
/// <param name="Type">What it tells of.</param>
/// <param name="Flags">NLM_F_*.</param>
/// <param name="Sequence">That of the request.</param>
/// <param name="Body">Fixed part and attributes.</param>
internal readonly record struct NetlinkAnswer(NetlinkType Type, NetlinkFlags Flags, uint Sequence, ReadOnlyMemory<byte> Body);

/// <summary>Takes answers of the kernel apart. What is cut short is left out, never read beyond.</summary>
internal static class NetlinkReader
{
    private const ushort TypeMask = 0x3fff;

    public static IEnumerable<NetlinkAnswer> ReadMessages(ReadOnlyMemory<byte> datagram)
    {
        while (datagram.Length >= NetlinkMessage.HeaderBytes)
        {
            var header = datagram.Span;
            var length = BinaryPrimitives.ReadInt32LittleEndian(header);
            if (length < NetlinkMessage.HeaderBytes || length > datagram.Length) yield break;
            yield return new(
                (NetlinkType)BinaryPrimitives.ReadUInt16LittleEndian(header[4..]),
                (NetlinkFlags)BinaryPrimitives.ReadUInt16LittleEndian(header[6..]),
                BinaryPrimitives.ReadUInt32LittleEndian(header[8..]),
                datagram[NetlinkMessage.HeaderBytes..length]);
            datagram = datagram[Math.Min((length + 3) & ~3, datagram.Length)..];
        }
    }

    /// <summary>Attributes by type; of a type that stands twice, the last.</summary>
    public static Dictionary<ushort, ReadOnlyMemory<byte>> ReadAttributes(ReadOnlyMemory<byte> bytes)
    {
        var attributes = new Dictionary<ushort, ReadOnlyMemory<byte>>();
        while (bytes.Length >= 4)
        {
            var length = BinaryPrimitives.ReadUInt16LittleEndian(bytes.Span);
            if (length < 4 || length > bytes.Length) break;
            var type = (ushort)(BinaryPrimitives.ReadUInt16LittleEndian(bytes.Span[2..]) & TypeMask);
            attributes[type] = bytes[4..length];
            bytes = bytes[Math.Min((length + 3) & ~3, bytes.Length)..];
        }

        return attributes;
    }

    public static string? ReadText(this Dictionary<ushort, ReadOnlyMemory<byte>> attributes, ushort type) =>
        attributes.TryGetValue(type, out var value) ? Encoding.UTF8.GetString(value.Span.TrimEnd((byte)0)) : null;

    public static int? ReadNumber(this Dictionary<ushort, ReadOnlyMemory<byte>> attributes, ushort type) =>
        attributes.TryGetValue(type, out var value) && value.Length >= 4 ? BinaryPrimitives.ReadInt32LittleEndian(value.Span) : null;
}
