using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Networks.Firewall;

/// <summary>From the records to which packets shall pass to and from which card (pure).</summary>
internal sealed record FirewallPlan
{
    /// <summary>In the order of their ids.</summary>
    public required IReadOnlyList<PlannedGroup> Groups { get; init; }

    /// <summary>The cards that bear a group or a rate, in the order of their taps.</summary>
    public required IReadOnlyList<FilteredNic> Nics { get; init; }

    /// <summary>Whose DNS is always to be had.</summary>
    public required ImmutableSortedSet<string> Gateways { get; init; }

    /// <param name="instance">Names the taps.</param>
    /// <param name="snapshot">The records.</param>
    /// <param name="networks">The networks of the same snapshot, with the addresses of their cards.</param>
    public static FirewallPlan From(Instance instance, CacheSnapshot snapshot, IReadOnlyList<PlannedNetwork> networks)
    {
        var cards = snapshot.All(Keys.Vms.Spec)
            .SelectMany(vm => vm.Record.Nics.Where(nic => nic.Kind == NicKind.Network).Select(nic => FilteredNic.From(NetworkPlan.TapOf(instance, vm.Id, nic.Slot), nic)))
            .Where(nic => nic.Groups.Length > 0 || nic.InboundKbps is not null || nic.OutboundKbps is not null)
            .OrderBy(nic => nic.Tap, StringComparer.Ordinal)
            .ToArray();
        var members = cards.SelectMany(card => card.Groups.Select(group => (group, card.Tap))).ToLookup(pair => pair.group, pair => pair.Tap);
        var records = snapshot.All(Keys.FirewallGroups).ToDictionary(group => group.Id, group => group.Record);

        // A group that is named but no more keeps its cards shut.
        var named = members.Select(group => group.Key).Concat(records.Values.SelectMany(group => group.Rules).Select(rule => rule.Peer?.Group).OfType<string>());
        var addresses = networks.SelectMany(network => network.Nics).ToDictionary(nic => nic.Tap, AddressesOf, StringComparer.Ordinal);
        var subnets = networks.ToDictionary(network => network.Id, SubnetsOf);
        return new()
        {
            Groups =
            [
                .. records.Keys.Union(named).Order(StringComparer.Ordinal).Select(id => PlannedGroup.From(
                    id, records.GetValueOrDefault(id), subnets, [.. members[id].SelectMany(tap => addresses.GetValueOrDefault(tap) ?? [])])),
            ],
            Nics = cards,
            Gateways = [.. networks.SelectMany(network => new[] { network.Subnet?.Gateway, network.Ipv6Subnet?.Gateway }).OfType<string>()],
        };
    }

    private static string[] AddressesOf(PlannedNic nic) => [.. new[] { nic.Address, nic.Ipv6Address }.OfType<string>()];

    private static ImmutableArray<string> SubnetsOf(PlannedNetwork network) => [.. new[] { network.Subnet?.ToString(), network.Ipv6Subnet?.ToString() }.OfType<string>()];
}
/// <summary>A group with the addresses of the cards that bear it.</summary>
internal sealed record PlannedGroup(
    string Id, FirewallAction Inbound, FirewallAction Outbound, ImmutableArray<PlannedRule> Rules, ImmutableSortedSet<string> Members)
{
    public static PlannedGroup From(string id, FirewallGroupSpec? spec, IReadOnlyDictionary<string, ImmutableArray<string>> subnets, ImmutableSortedSet<string> members) => spec is null
        ? new(id, FirewallAction.Drop, FirewallAction.Accept, [], members)
        : new(id, spec.Inbound, spec.Outbound, [.. spec.Rules.Select(rule => PlannedRule.From(rule, subnets))], members);
}

/// <summary>A rule with its peer resolved.</summary>
/// <param name="Rule">As recorded.</param>
/// <param name="Subnets">The other end in CIDR form; null: not by address.</param>
internal sealed record PlannedRule(FirewallRule Rule, ImmutableArray<string>? Subnets)
{
    /// <summary>A network that is no more has no subnets: the rule then matches nothing.</summary>
    public static PlannedRule From(FirewallRule rule, IReadOnlyDictionary<string, ImmutableArray<string>> subnets) => new(rule, rule.Peer switch
    {
        { Cidr: { } cidr } => [cidr],
        { Network: { } network } => subnets.GetValueOrDefault(network, []),
        _ => null,
    });

    public static bool IsIPv6(string cidr) => IPAddress.TryParse(cidr.Split('/')[0], out var address) && address.AddressFamily == AddressFamily.InterNetworkV6;
}

/// <summary>A card that is filtered or paced.</summary>
internal sealed record FilteredNic(string Tap, ImmutableArray<string> Groups, int? InboundKbps, int? OutboundKbps)
{
    public static FilteredNic From(string tap, VmNic nic) => new(tap, [.. nic.FirewallGroups], nic.InboundKbps, nic.OutboundKbps);

    /// <summary>Cards with the same groups in the same order share their chains.</summary>
    public string? Profile => Groups.Length == 0 ? null : "p" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('/', Groups))).AsSpan(0, 8));
}
