using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Lamina.Api;

namespace Lamina.Server.Networks.Firewall;

/// <summary>
/// The whole table of the cards' firewall (pure). It is replaced in one transaction and never removed meanwhile, so there is no moment without rules, and the sets
/// in which the kernel keeps flows and counts live on.
/// </summary>
internal sealed partial record FirewallRuleset
{
    public required string Table { get; init; }

    /// <summary>The table without the elements of its maps and sets.</summary>
    public required string Base { get; init; }

    /// <summary>Elements by their map or set.</summary>
    public required ImmutableSortedDictionary<string, ImmutableSortedSet<string>> Elements { get; init; }

    public static FirewallRuleset For(string table, FirewallPlan plan, FirewallTracking tracking)
    {
        var elements = ImmutableSortedDictionary.CreateBuilder<string, ImmutableSortedSet<string>>(StringComparer.Ordinal);
        elements["inbound"] = Set(plan.Nics.Where(nic => nic.Profile is not null).Select(nic => $"\"{nic.Tap}\" : goto in_{nic.Profile}"));
        elements["outbound"] = Set(plan.Nics.Where(nic => nic.Profile is not null).Select(nic => $"\"{nic.Tap}\" : goto out_{nic.Profile}"));
        elements["rates"] = Set(plan.Nics.Where(nic => nic.OutboundKbps is not null).Select(nic => $"\"{nic.Tap}\" : goto {FirewallText.RateChain(nic.OutboundKbps!.Value)}"));
        AddAddresses(elements, isIPv6 => isIPv6 ? "gateways6" : "gateways4", plan.Gateways);
        foreach (var group in plan.Groups) AddAddresses(elements, isIPv6 => FirewallText.MembersSet(group.Id, isIPv6), group.Members);
        return new() { Table = table, Base = FirewallText.Table(table, plan, tracking), Elements = elements.ToImmutable() };
    }

    /// <summary>A script for <c>nft -f</c> that turns <paramref name="before"/> into this one; empty when nothing is to be done.</summary>
    /// <param name="before">What the kernel has of us.</param>
    public string ChangeFrom(FirewallRuleset before)
    {
        if (before.Base != Base) return Load(NamesIn(before.Base));
        var script = new StringBuilder();
        foreach (var (set, members) in Elements) Append(script, "delete", set, before.Elements[set].Except(members));
        foreach (var (set, members) in Elements) Append(script, "add", set, members.Except(before.Elements[set]));
        return script.ToString();
    }

    /// <summary>A script that loads all of it over what is there.</summary>
    /// <param name="present">Chains, sets, maps and counters of the table as the kernel has it: <c>chain in_p1</c>. Empty: there is no such table.</param>
    public string Load(IReadOnlyCollection<string> present)
    {
        var script = new StringBuilder($"table bridge {Table}\nflush table bridge {Table}\n");
        var wanted = NamesIn(Base).ToHashSet(StringComparer.Ordinal);
        var filled = Elements.Keys.SelectMany(set => new[] { $"map {set}", $"set {set}" }).ToHashSet(StringComparer.Ordinal);

        // Maps first: a chain that an element leads to cannot be deleted.
        var stale = present.Where(name => !wanted.Contains(name)).OrderBy(name => name.StartsWith("chain", StringComparison.Ordinal)).ToArray();
        foreach (var name in present.Where(filled.Contains)) script.Append(CultureInfo.InvariantCulture, $"flush {Of(name)}\n");
        foreach (var name in stale) script.Append(CultureInfo.InvariantCulture, $"delete {Of(name)}\n");
        script.Append(Base);
        foreach (var (set, members) in Elements) Append(script, "add", set, members);
        return script.ToString();

        string Of(string name) => name.Split(' ') is [var kind, var own] ? $"{kind} bridge {Table} {own}" : throw new ArgumentException($"'{name}' is no object of a table.", nameof(present));
    }

    /// <summary>A script for when the table that is there cannot be made into this one: one of another version.</summary>
    public string Replace() => Remove(Table) + Load([]);

    public static string Remove(string table) => $"table bridge {table}\ndelete table bridge {table}\n";

    /// <summary>What a table has, from its own words or from nft's.</summary>
    public static IReadOnlyList<string> NamesIn(string text) => [.. Declaration().Matches(text).Select(match => $"{match.Groups[1].Value} {match.Groups[2].Value}")];

    private static void AddAddresses(ImmutableSortedDictionary<string, ImmutableSortedSet<string>>.Builder elements, Func<bool, string> nameOf, IEnumerable<string> addresses)
    {
        var byFamily = addresses.ToLookup(PlannedRule.IsIPv6);
        foreach (var isIPv6 in new[] { false, true }) elements[nameOf(isIPv6)] = Set(byFamily[isIPv6]);
    }

    private static ImmutableSortedSet<string> Set(IEnumerable<string> elements) => elements.ToImmutableSortedSet(StringComparer.Ordinal);

    private void Append(StringBuilder script, string verb, string set, ImmutableSortedSet<string> members)
    {
        if (members.Count > 0) script.Append(CultureInfo.InvariantCulture, $"{verb} element bridge {Table} {set} {{ {string.Join(", ", members)} }}\n");
    }

    [GeneratedRegex(@"^\s*(chain|set|map|counter) (\w+) \{", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
