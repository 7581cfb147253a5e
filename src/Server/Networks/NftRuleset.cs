using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Lamina.Api;

namespace Lamina.Server.Networks;

/// <summary>
/// All packet rules of one instance (pure): a table of family inet for NAT and for keeping guests from the host, and one of family bridge against
/// forged addresses. Rules match taps by name, so they stand before a tap does. Other tables are never named.
/// </summary>
internal sealed record NftRuleset
{
    /// <summary>The tables without the cards.</summary>
    public required string Base { get; init; }

    /// <summary>What the cards add: elements of the sets of the table of family bridge, by the set's name.</summary>
    public required ImmutableSortedDictionary<string, ImmutableSortedSet<string>> Elements { get; init; }

    public required string Table { get; init; }

    public static NftRuleset For(string table, IReadOnlyList<PlannedNetwork> networks)
    {
        var cards = networks.SelectMany(network => network.Nics.Concat(network.Overlay?.Nics ?? []).Select(nic => (Network: network, Nic: nic))).ToArray();
        var lan = cards.Where(card => card.Network.Kind == NetworkKind.Bridge).Select(card => card.Nic).ToArray();
        var nics = cards.Select(card => card.Nic).ToArray();
        var wide = nics.Where(nic => nic.Ipv6Address is not null).ToArray();
        return new()
        {
            Table = table,
            Base = NftText.Tables(table, networks),
            Elements = ImmutableSortedDictionary.CreateRange<string, ImmutableSortedSet<string>>(StringComparer.Ordinal,
            [
                Set("taps", nics.Select(TapOf).Concat(networks.Where(network => network.Overlay is not null).Select(network => $"\"{network.Overlay!.Link}\""))),
                Set("nics", nics.Select(nic => $"{TapOf(nic)} . {nic.Mac}")),
                Set("addresses", nics.Where(nic => nic.Address is not null).Select(nic => $"{TapOf(nic)} . {nic.Address}")),
                Set("any_ipv4", lan.Where(nic => nic.Address is null).Select(TapOf)),
                Set("ipv6", wide.Concat(lan).Select(TapOf)),
                Set("any_ipv6", lan.Select(TapOf)),
                Set("ipv6_addresses", wide.Select(nic => $"{TapOf(nic)} . {nic.Ipv6Address}")),
                Set("ipv6_targets", wide.Select(nic => $"{TapOf(nic)} . {Ipv6Subnet.Hexadecimal(nic.Ipv6Address!)}")),
            ]),
        };
    }

    /// <summary>A script for <c>nft -f</c>, one transaction: what was there under these names is replaced whole.</summary>
    public string Replace()
    {
        var script = new StringBuilder(NftText.RemoveTables(Table)).Append(Base);
        AppendElements(script, "add", Elements);
        return script.ToString();
    }

    /// <summary>A script that turns <paramref name="before"/> into this one; empty when nothing is to be done.</summary>
    public string ChangeFrom(NftRuleset? before)
    {
        if (before is null || before.Base != Base) return Replace();
        var script = new StringBuilder();
        AppendElements(script, "delete", before.ElementsWithout(this));
        AppendElements(script, "add", ElementsWithout(before));
        return script.ToString();
    }

    private static KeyValuePair<string, ImmutableSortedSet<string>> Set(string name, IEnumerable<string> elements) =>
        new(name, elements.ToImmutableSortedSet(StringComparer.Ordinal));

    private static string TapOf(PlannedNic nic) => $"\"{nic.Tap}\"";

    private IEnumerable<KeyValuePair<string, ImmutableSortedSet<string>>> ElementsWithout(NftRuleset other) =>
        Elements.Select(set => KeyValuePair.Create(set.Key, set.Value.Except(other.Elements[set.Key])));

    private void AppendElements(StringBuilder script, string verb, IEnumerable<KeyValuePair<string, ImmutableSortedSet<string>>> sets)
    {
        foreach (var (set, members) in sets.Where(set => set.Value.Count > 0))
            script.Append(CultureInfo.InvariantCulture, $"{verb} element bridge {Table} {set} {{ {string.Join(", ", members)} }}\n");
    }
}
