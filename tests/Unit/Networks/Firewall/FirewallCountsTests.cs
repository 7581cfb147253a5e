using System.Text;
using System.Text.Json;
using Lamina.Api;
using Lamina.Server.Networks.Firewall;
using Xunit;

namespace Lamina.Tests.Unit.Networks.Firewall;

public class FirewallCountsTests
{
    private const string Meta = """{"metainfo": {"version": "1.0.6", "json_schema_version": 1}}""";

    [Fact]
    public void What_is_none_of_nfts_is_refused() => Assert.Throws<JsonException>(() => FirewallCounts.Read("{}"u8.ToArray(), []));

    [Fact]
    public void Empty_sets_count_nothing()
    {
        var counts = FirewallCounts.Read(Json(Meta), [Json(Meta), Json(Meta + """, {"set": {"name": "dropped6_in"}}"""), Json(Meta), Json(Meta)]);
        Assert.Empty(counts.Rules);
        Assert.Empty(counts.Drops);
    }

    [Fact]
    public void Rules_and_drops_are_counted()
    {
        var counters = Json(Meta + """, {"counter": {"family": "bridge", "name": "rule_a_1", "table": "t", "handle": 2, "packets": 3, "bytes": 180}}""");
        var drops = Json(Meta + """
            , {"set": {"name": "dropped4_in", "elem": [
              {"elem": {"val": {"concat": ["lma", "10.0.0.2", 6, 22]}, "expires": 599, "counter": {"packets": 7, "bytes": 420}}},
              {"elem": {"val": {"concat": ["lma", "10.0.0.3", 47, 0]}, "expires": 599, "counter": {"packets": 1, "bytes": 60}}}]}}
            """);
        var counts = FirewallCounts.Read(counters, [drops, Json(Meta), Json(Meta), Json(Meta)]);
        Assert.Equal((3, 180), counts.Rules["rule_a_1"]);
        Assert.Equal(
            [
                new FirewallDrop { Direction = FirewallDirection.In, Peer = "10.0.0.2", Protocol = "tcp", Port = 22, Packets = 7 },
                new FirewallDrop { Direction = FirewallDirection.In, Peer = "10.0.0.3", Protocol = "47", Port = null, Packets = 1 },
            ],
            counts.Drops["lma"]);
    }

    private static byte[] Json(string items) => Encoding.UTF8.GetBytes("{\"nftables\": [" + items + "]}");
}
