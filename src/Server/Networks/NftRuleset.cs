using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Lamina.Server.Networks;

/// <summary>
/// All packet rules of one instance (pure): a table of family inet for NAT and for keeping guests from the host, and one of family bridge against
/// forged addresses. Rules match taps by name, so they stand before a tap does. Other tables are never named.
/// </summary>
internal sealed record NftRuleset
{
    /// <summary>The tables without the cards.</summary>
    public required string Base { get; init; }

    /// <summary>The elements of the sets <c>taps</c>, <c>nics</c> and <c>addresses</c>.</summary>
    public required ImmutableSortedSet<string> Taps { get; init; }
    public required ImmutableSortedSet<string> Nics { get; init; }
    public required ImmutableSortedSet<string> Addresses { get; init; }

    public required string Table { get; init; }

    public static NftRuleset For(string table, IReadOnlyList<PlannedNetwork> networks)
    {
        var nics = networks.SelectMany(network => network.Nics).ToArray();
        return new()
        {
            Table = table,
            Base = NftText.Tables(table, networks),
            Taps = Set(nics.Select(nic => $"\"{nic.Tap}\"")),
            Nics = Set(nics.Select(nic => $"\"{nic.Tap}\" . {nic.Mac}")),
            Addresses = Set(nics.Select(nic => $"\"{nic.Tap}\" . {nic.Address}")),
        };
    }

    /// <summary>A script for <c>nft -f</c>, one transaction: what was there under these names is replaced whole.</summary>
    public string Replace()
    {
        var script = new StringBuilder(NftText.RemoveTables(Table)).Append(Base);
        AppendElements(script, "add", this);
        return script.ToString();
    }

    /// <summary>A script that turns <paramref name="before"/> into this one; empty when nothing is to be done.</summary>
    public string ChangeFrom(NftRuleset? before)
    {
        if (before is null || before.Base != Base) return Replace();
        var script = new StringBuilder();
        AppendElements(script, "delete", before.Without(this));
        AppendElements(script, "add", Without(before));
        return script.ToString();
    }

    private static ImmutableSortedSet<string> Set(IEnumerable<string> elements) => elements.ToImmutableSortedSet(StringComparer.Ordinal);

    private NftRuleset Without(NftRuleset other) =>
        this with { Taps = Taps.Except(other.Taps), Nics = Nics.Except(other.Nics), Addresses = Addresses.Except(other.Addresses) };

    private static void AppendElements(StringBuilder script, string verb, NftRuleset elements)
    {
        foreach (var (set, members) in new[] { ("taps", elements.Taps), ("nics", elements.Nics), ("addresses", elements.Addresses) })
            if (members.Count > 0)
                script.Append(CultureInfo.InvariantCulture, $"{verb} element bridge {elements.Table} {set} {{ {string.Join(", ", members)} }}\n");
    }
}
