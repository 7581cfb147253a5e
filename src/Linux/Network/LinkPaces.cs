using System.Buffers.Binary;

namespace Lamina.Linux.Network;

/// <summary>How fast a link may send: what is beyond it waits, and beyond the queue is lost.</summary>
/// <param name="BytesPerSecond">The long-term rate.</param>
/// <param name="BurstBytes">What may leave at once after a rest; not less than a frame.</param>
/// <param name="QueueBytes">What may wait.</param>
public sealed record LinkPace(long BytesPerSecond, int BurstBytes, int QueueBytes);

/// <summary>
/// Paces what links send (for a tap: what its guest receives) by the queueing discipline tbf (tc-tbf(8), linux/pkt_sched.h), in the network namespace that the calling thread was in
/// when this was made.
/// </summary>
public sealed class LinkPaces : IDisposable
{
    private const string TokenBucket = "tbf";
    private const int HeaderBytes = 20;
    private const int OptionBytes = 36;
    private const uint Root = uint.MaxValue;
    private const byte Ethernet = 1;

    private const ushort Kind = 1;
    private const ushort Options = 2;
    private const ushort BucketParameters = 1;
    private const ushort BucketRate64 = 4;
    private const ushort BucketBurst = 6;

    private readonly NetlinkSocket socket = new();

    /// <summary>Sets or changes it; frames that wait are kept.</summary>
    public void Set(int linkIndex, LinkPace pace)
    {
        var request = new NetlinkMessage(NetlinkType.NewQueue, NetlinkFlags.Acknowledge | NetlinkFlags.Create | NetlinkFlags.Replace, Header(linkIndex))
            .Add(Kind, TokenBucket)
            .AddNested(Options, options => Add(options, pace));
        socket.Request($"pace the link {linkIndex}", request);
        CrashPoints.Reached("pace", "set", "after");
    }

    /// <returns>False: it had none.</returns>
    public bool Remove(int linkIndex)
    {
        if (!List().ContainsKey(linkIndex)) return false;
        socket.Request($"take the pace from the link {linkIndex}", new(NetlinkType.DeleteQueue, NetlinkFlags.Acknowledge, Header(linkIndex)));
        return true;
    }

    /// <summary>Every pace there is, by the link's index.</summary>
    public IReadOnlyDictionary<int, LinkPace> List()
    {
        var paces = new Dictionary<int, LinkPace>();
        foreach (var answer in socket.Dump("list the queues of links", new(NetlinkType.GetQueue, NetlinkFlags.Dump, new byte[HeaderBytes])))
            if (Read(answer) is var (index, pace))
                paces[index] = pace;
        return paces;
    }

    public void Dispose() => socket.Dispose();

    /// <summary>struct tcmsg.</summary>
    private static byte[] Header(int linkIndex)
    {
        var header = new byte[HeaderBytes];
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(4), linkIndex);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), Root);
        return header;
    }

    /// <summary>struct tc_tbf_qopt: two struct tc_ratespec (the rate, no peak rate), limit, buffer, mtu. The burst is told in bytes beside it, so buffer stays 0.</summary>
    private static void Add(NetlinkMessage options, LinkPace pace)
    {
        var parameters = new byte[OptionBytes];
        parameters[1] = Ethernet; // without a link layer the kernel wants tables of times
        BinaryPrimitives.WriteUInt32LittleEndian(parameters.AsSpan(8), (uint)Math.Min(pace.BytesPerSecond, uint.MaxValue));
        BinaryPrimitives.WriteInt32LittleEndian(parameters.AsSpan(24), pace.QueueBytes);
        options.Add(BucketParameters, parameters);
        if (pace.BytesPerSecond > uint.MaxValue)
        {
            Span<byte> rate = stackalloc byte[8];
            BinaryPrimitives.WriteInt64LittleEndian(rate, pace.BytesPerSecond);
            options.Add(BucketRate64, rate);
        }

        options.Add(BucketBurst, pace.BurstBytes);
    }

    private static (int LinkIndex, LinkPace Pace)? Read(NetlinkAnswer answer)
    {
        if (answer.Type != NetlinkType.NewQueue || answer.Body.Length < HeaderBytes) return null;
        var header = answer.Body.Span;
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[12..]) != Root) return null;
        var attributes = NetlinkReader.ReadAttributes(answer.Body[HeaderBytes..]);
        if (attributes.ReadText(Kind) != TokenBucket || !attributes.TryGetValue(Options, out var nested)) return null;
        var options = NetlinkReader.ReadAttributes(nested);
        if (!options.TryGetValue(BucketParameters, out var parameters) || parameters.Length < OptionBytes) return null;
        var rate = options.TryGetValue(BucketRate64, out var wide) && wide.Length == 8
            ? BinaryPrimitives.ReadInt64LittleEndian(wide.Span)
            : BinaryPrimitives.ReadUInt32LittleEndian(parameters.Span[8..]);

        // The kernel tells the burst as time, in ticks of 64 ns (PSCHED_SHIFT).
        var burst = BinaryPrimitives.ReadUInt32LittleEndian(parameters.Span[28..]) * 64.0 / 1e9 * rate;
        var pace = new LinkPace(rate, (int)Math.Round(burst), BinaryPrimitives.ReadInt32LittleEndian(parameters.Span[24..]));
        return (BinaryPrimitives.ReadInt32LittleEndian(answer.Body.Span[4..]), pace);
    }
}
