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

    public static FirewallPlan From(Instance instance, CacheSnapshot snapshot)
    {
        var cards = snapshot.All(Keys.Vms.Spec)
            .SelectMany(vm => vm.Record.Nics.Select(nic => (vm.Id, Nic: nic)))
            .Where(card => card.Nic is { Kind: NicKind.Network, Network: not null })
            .ToArray();
        var members = cards.SelectMany(card => card.Nic.FirewallGroups.Select(group => (group, card.Nic))).ToLookup(pair => pair.group, pair => pair.Nic);
        var networks = snapshot.All(Keys.Networks.Spec).ToDictionary(network => network.Id, network => network.Record);
        var records = snapshot.All(Keys.FirewallGroups).ToDictionary(group => group.Id, group => group.Record);

        // A group that is named but no more keeps its cards shut.
        var named = members.Select(group => group.Key).Concat(records.Values.SelectMany(group => group.Rules).Select(rule => rule.Peer?.Group).OfType<string>());
        var groups = records.Keys.Union(named).Order(StringComparer.Ordinal)
            .Select(id => PlannedGroup.From(id, records.GetValueOrDefault(id), networks, AddressesOf(members[id])))
            .ToArray();
        return new()
        {
            Groups = groups,
            Nics =
            [
                .. cards.Select(card => new FilteredNic(
                        NetworkPlan.TapOf(instance, card.Id, card.Nic.Slot), [.. card.Nic.FirewallGroups], card.Nic.InboundKbps, card.Nic.OutboundKbps))
                    .Where(nic => nic.Groups.Length > 0 || nic.InboundKbps is not null || nic.OutboundKbps is not null)
                    .OrderBy(nic => nic.Tap, StringComparer.Ordinal),
            ],
            Gateways = [.. networks.Values.Select(network => Subnet.Parse(network.Subnet)?.Gateway).OfType<string>()],
        };
    }

    private static ImmutableSortedSet<string> AddressesOf(IEnumerable<VmNic> nics) =>
        nics.Select(nic => nic.Address).OfType<string>().ToImmutableSortedSet(StringComparer.Ordinal);
}

/// <summary>A group with the addresses of the cards that bear it.</summary>
internal sealed record PlannedGroup(
    string Id, FirewallAction Inbound, FirewallAction Outbound, ImmutableArray<PlannedRule> Rules, ImmutableSortedSet<string> Members)
{
    public static PlannedGroup From(string id, FirewallGroupSpec? spec, IReadOnlyDictionary<string, NetworkSpec> networks, ImmutableSortedSet<string> members) => spec is null
        ? new(id, FirewallAction.Drop, FirewallAction.Accept, [], members)
        : new(id, spec.Inbound, spec.Outbound, [.. spec.Rules.Select(rule => PlannedRule.From(rule, networks))], members);
}

/// <summary>A rule with its peer resolved.</summary>
/// <param name="Rule">As recorded.</param>
/// <param name="Subnets">The other end in CIDR form; null: not by address.</param>
internal sealed record PlannedRule(FirewallRule Rule, ImmutableArray<string>? Subnets)
{
    /// <summary>A network that is no more has no subnets: the rule then matches nothing.</summary>
    public static PlannedRule From(FirewallRule rule, IReadOnlyDictionary<string, NetworkSpec> networks) => new(rule, rule.Peer switch
    {
        { Cidr: { } cidr } => [cidr],
        { Network: { } network } => networks.GetValueOrDefault(network) is { } spec ? [spec.Subnet] : [],
        _ => null,
    });

    public static bool IsIPv6(string cidr) => IPAddress.TryParse(cidr.Split('/')[0], out var address) && address.AddressFamily == AddressFamily.InterNetworkV6;
}

/// <summary>A card that is filtered or paced.</summary>
internal sealed record FilteredNic(string Tap, ImmutableArray<string> Groups, int? InboundKbps, int? OutboundKbps)
{
    /// <summary>Cards with the same groups in the same order share their chains.</summary>
    public string? Profile => Groups.Length == 0 ? null : "p" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('/', Groups))).AsSpan(0, 8));
}
