using CsCheck;
using Lamina.Linux.Network;
using Xunit;

namespace Lamina.Tests.Unit.Linux;

public class NetlinkMessageTests
{
    [Fact]
    public void A_request_has_the_bytes_that_the_kernel_wants()
    {
        var bytes = new NetlinkMessage(NetlinkType.NewLink, NetlinkFlags.Acknowledge, LinkCodec.LinkHeader(index: 3, up: true)).Add(LinkAttribute.Name, "lo").ToBytes(7);
        Assert.Equal(
            "28000000" + "1000" + "0500" + "07000000" + "00000000" // length 40, RTM_NEWLINK, REQUEST|ACK, sequence, port
            + "00000000" + "03000000" + "01000000" + "01000000" // family, index, flags IFF_UP, changed IFF_UP
            + "0700" + "0300" + "6c6f00" + "00", // length 7, IFLA_IFNAME, "lo", padding
            Convert.ToHexStringLower(bytes));
    }

    [Fact]
    public void What_is_nested_is_read_back()
    {
        var bytes = new NetlinkMessage(NetlinkType.NewLink, NetlinkFlags.Create, LinkCodec.LinkHeader())
            .Add(LinkAttribute.Name, "lmx")
            .Add(LinkAttribute.Mtu, 1450)
            .AddNested(LinkAttribute.Info, info => info.Add(LinkAttribute.InfoKind, "bridge"))
            .ToBytes(1);
        var link = LinkCodec.ToLink(Assert.Single(NetlinkReader.ReadMessages(bytes)));
        Assert.Equal(("lmx", 1450, "bridge"), (link!.Name, link.MtuBytes, link.Kind));
    }

    [Fact]
    public void A_message_cut_anywhere_or_spoilt_is_never_read_beyond()
    {
        var whole = new NetlinkMessage(NetlinkType.NewLink, NetlinkFlags.Create, LinkCodec.LinkHeader(5))
            .Add(LinkAttribute.Name, "lmx").Add(LinkAttribute.Statistics, new byte[64]).ToBytes(1);
        Gen.Select(Gen.Int[0, whole.Length], Gen.Int[0, whole.Length - 1], Gen.Byte).Sample((length, at, value) =>
        {
            var bytes = (byte[])whole.Clone();
            bytes[at] = value;
            foreach (var answer in NetlinkReader.ReadMessages(bytes.AsMemory(0, length)))
            {
                _ = LinkCodec.ToLink(answer);
                _ = LinkCodec.ToRoute(answer with { Type = NetlinkType.NewRoute });
            }
        });
    }
}
