using Lamina.Api;

namespace Lamina.Server.Placement;

/// <summary>What one rule says about one VM's hosts at this moment: on these only, or on any but these.</summary>
/// <param name="Rule">Its name.</param>
/// <param name="Preferred">Wished for, not demanded.</param>
/// <param name="Only">True: on one of <paramref name="Hosts"/>; false: on none of them.</param>
/// <param name="Hosts">Ids of hosts, with the reason for people: <c>'db2' runs there</c>.</param>
internal sealed record PlacementConstraint(string Rule, bool Preferred, bool Only, IReadOnlyDictionary<string, string> Hosts)
{
    public bool Allows(string host) => Hosts.ContainsKey(host) == Only;

    /// <summary>Null: the rule does not bear on the VM now.</summary>
    /// <param name="rule">The rule.</param>
    /// <param name="others">Where the other VMs that it covers are: host, and the name of one of them.</param>
    public static PlacementConstraint? Of(PlacementRuleSpec rule, IReadOnlyDictionary<string, string> others) => rule.Kind switch
    {
        PlacementRuleKind.Apart => others.Count == 0 ? null : new(rule.Name, rule.Preferred, Only: false, others),
        PlacementRuleKind.Together => others.Count == 0 ? null : new(rule.Name, rule.Preferred, Only: true, others),
        _ => new(rule.Name, rule.Preferred, rule.Kind == PlacementRuleKind.OnHosts, rule.Hosts.ToDictionary(host => host, _ => "the rule names it", StringComparer.Ordinal)),
    };

    /// <summary>Why this host is against the rule.</summary>
    public string Why(string host) => Only
        ? $"rule '{Rule}' wants it elsewhere"
        : $"rule '{Rule}' keeps it away: {Hosts[host]}";
}
