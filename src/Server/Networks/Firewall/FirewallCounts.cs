using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lamina.Api;

namespace Lamina.Server.Networks.Firewall;

/// <summary>What the kernel counted, read from what <c>nft -j list</c> prints (libnftables-json(5)). Pure.</summary>
internal sealed record FirewallCounts
{
    /// <summary>In and out, IPv4 and IPv6.</summary>
    public static ImmutableArray<string> DropSets { get; } = ["dropped4_in", "dropped6_in", "dropped4_out", "dropped6_out"];

    /// <summary>Packets and bytes by the name of the rule's counter.</summary>
    public required IReadOnlyDictionary<string, (long Packets, long Bytes)> Rules { get; init; }

    /// <summary>What was dropped, by tap.</summary>
    public required ILookup<string, FirewallDrop> Drops { get; init; }

    /// <param name="counters">Of <c>nft -j list counters</c>.</param>
    /// <param name="drops">Of <c>nft -j list set</c>, in the order of <see cref="DropSets"/>.</param>
    /// <exception cref="JsonException">It is none of nft's.</exception>
    public static FirewallCounts Read(byte[] counters, IReadOnlyList<byte[]> drops) => new()
    {
        Rules = Objects(counters, "counter").ToDictionary(
            counter => counter["name"]!.GetValue<string>(), counter => (counter["packets"]!.GetValue<long>(), counter["bytes"]!.GetValue<long>()), StringComparer.Ordinal),
        Drops = DropSets.Zip(drops)
            .SelectMany(set => Drop(set.Second, set.First.EndsWith("_in", StringComparison.Ordinal) ? FirewallDirection.In : FirewallDirection.Out))
            .ToLookup(pair => pair.Tap, pair => pair.Drop, StringComparer.Ordinal),
    };

    private static IEnumerable<(string Tap, FirewallDrop Drop)> Drop(byte[] json, FirewallDirection direction) => Objects(json, "set")
        .SelectMany(set => set["elem"]?.AsArray() ?? [])
        .Select(element => element!["elem"]!)
        .Select(element => (Key: element["val"]!["concat"]!.AsArray(), Packets: element["counter"]?["packets"]?.GetValue<long>() ?? 0))
        .Select(element => (Text(element.Key[0]!), new FirewallDrop
        {
            Direction = direction,
            Peer = Text(element.Key[1]!),
            Protocol = ProtocolOf(Text(element.Key[2]!)),
            Port = element.Key[3]!.GetValue<int>() is var port and not 0 ? port : null,
            Packets = element.Packets,
        }));

    private static IEnumerable<JsonNode> Objects(byte[] json, string kind) =>
        JsonNode.Parse(json)?["nftables"]?.AsArray().Select(item => item?[kind]).OfType<JsonNode>() ?? throw new JsonException("nft told nothing");

    /// <summary>nft prints numbers where the host has no /etc/protocols.</summary>
    private static string ProtocolOf(string protocol) => protocol switch
    {
        "1" => "icmp",
        "6" => "tcp",
        "17" => "udp",
        "58" or "ipv6-icmp" => "icmpv6",
        _ => protocol,
    };

    private static string Text(JsonNode value) => value.ToString();
}
