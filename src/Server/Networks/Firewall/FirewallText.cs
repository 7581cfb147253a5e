using System.Globalization;
using Lamina.Api;

namespace Lamina.Server.Networks.Firewall;

/// <summary>
/// The words of nft(8) for the firewall of cards: one table of family bridge, which sees what passes between two guests of a bridge as well as what is routed. A
/// verdict map leads from the tap to the chains of its groups, so that a packet meets few rules however many VMs there are.
/// </summary>
internal static class FirewallText
{
    /// <summary>The smallest burst: a frame that the card splits (GSO) counts as one of 64 KiB.</summary>
    private const int LeastBurstBytes = 256 * 1024;

    public static string Table(string table, FirewallPlan plan, FirewallTracking tracking)
    {
        var profiles = plan.Nics.Where(nic => nic.Profile is not null).GroupBy(nic => nic.Profile!).OrderBy(profile => profile.Key, StringComparer.Ordinal);
        var groups = plan.Groups.ToDictionary(group => group.Id);
        return $"table bridge {table} {{\n"
            + Sets(tracking)
            + string.Concat(plan.Groups.Select(Group))
            + string.Concat(profiles.Select(profile => Profile(profile.Key, [.. profile.First().Groups.Select(id => groups[id])])))
            + string.Concat(plan.Nics.Select(nic => nic.OutboundKbps).OfType<int>().Distinct().Order().Select(Rate))
            + (tracking == FirewallTracking.Conntrack ? FirewallTrackingText.Conntrack : FirewallTrackingText.Flows)
            + Drops("in", "oifname", "saddr")
            + Drops("out", "iifname", "daddr")
            + BaseChains
            + "}\n";
    }

    public static string RateChain(int kbps) => string.Create(CultureInfo.InvariantCulture, $"rate_{kbps}");

    public static string MembersSet(string groupId, bool isIPv6) => $"members{(isIPv6 ? 6 : 4)}_{Key(groupId)}";

    public static string Counter(string groupId, int rule) => string.Create(CultureInfo.InvariantCulture, $"rule_{Key(groupId)}_{rule}");

    private static string Key(string groupId) => groupId.Replace("-", "", StringComparison.Ordinal);

    /// <summary>Prerouting stands behind the rules against forged addresses (-300) and connection tracking (-200).</summary>
    private const string BaseChains = """
          chain from_guest {
            type filter hook prerouting priority -150; policy accept;
            iifname vmap @outbound
          }
          chain to_guest {
            type filter hook postrouting priority 0; policy accept;
            oifname vmap @inbound
          }
          chain pace {
            type filter hook prerouting priority -160; policy accept;
            iifname vmap @rates
          }

        """;

    private static string Sets(FirewallTracking tracking) => $$"""
          map inbound {
            type ifname : verdict
          }
          map outbound {
            type ifname : verdict
          }
          map rates {
            type ifname : verdict
          }
          set gateways4 {
            type ipv4_addr
          }
          set gateways6 {
            type ipv6_addr
          }
          set opening {
            type ifname
            size 65536
            flags dynamic,timeout
            timeout 1m
          }

        """ + (tracking == FirewallTracking.Flows ? FirewallTrackingText.FlowSets : "");

    private static string Group(PlannedGroup group) => $$"""
          set {{MembersSet(group.Id, isIPv6: false)}} {
            type ipv4_addr
          }
          set {{MembersSet(group.Id, isIPv6: true)}} {
            type ipv6_addr
          }
        {{string.Concat(group.Rules.Select(rule => $"  counter {Counter(group.Id, rule.Rule.Id)} {{ }}\n"))}}  chain in_{{Key(group.Id)}} {
        {{Rules(group, FirewallDirection.In)}}  }
          chain out_{{Key(group.Id)}} {
        {{Rules(group, FirewallDirection.Out)}}  }

        """;

    private static string Rules(PlannedGroup group, FirewallDirection direction) => string.Concat(group.Rules
        .Where(rule => rule.Rule.Direction == direction)
        .SelectMany(rule => Matches(rule).Select(match => $"    {match}counter name \"{Counter(group.Id, rule.Rule.Id)}\" goto {Verdict(rule.Rule.Action, direction)}\n")));

    /// <summary>The strictest policy of the groups holds: a group that drops is not opened by another one.</summary>
    private static string Profile(string name, IReadOnlyList<PlannedGroup> groups) =>
        ProfileChain(name, "in", groups, FirewallDirection.In, Strictest(groups.Select(group => group.Inbound)))
        + ProfileChain(name, "out", groups, FirewallDirection.Out, Strictest(groups.Select(group => group.Outbound)));

    public static FirewallAction Strictest(IEnumerable<FirewallAction> policies) => policies.Contains(FirewallAction.Drop) ? FirewallAction.Drop : FirewallAction.Accept;

    private static string ProfileChain(string name, string way, IReadOnlyList<PlannedGroup> groups, FirewallDirection direction, FirewallAction policy) => $$"""
          chain {{way}}_{{name}} {
            jump always_{{way}}
        {{string.Concat(groups.Select(group => $"    jump {way}_{Key(group.Id)}\n"))}}    goto {{Verdict(policy, direction)}}
          }

        """;

    private static string Verdict(FirewallAction action, FirewallDirection direction) => (action, direction) switch
    {
        (FirewallAction.Accept, FirewallDirection.In) => "keep_in",
        (FirewallAction.Accept, _) => "open_out",
        (_, FirewallDirection.In) => "drop_in",
        _ => "drop_out",
    };

    /// <summary>A rule of one peer and one protocol may need a line for each family.</summary>
    private static IEnumerable<string> Matches(PlannedRule planned)
    {
        var rule = planned.Rule;
        var end = rule.Direction == FirewallDirection.In ? "saddr" : "daddr";
        var peers = (rule.Peer, planned.Subnets) switch
        {
            ({ Group: { } group }, _) => [(false, $"ip {end} @{MembersSet(group, isIPv6: false)} "), (true, $"ip6 {end} @{MembersSet(group, isIPv6: true)} ")],
            (_, { } subnets) => subnets.Select(cidr => PlannedRule.IsIPv6(cidr) ? (true, $"ip6 {end} {cidr} ") : (false, $"ip {end} {cidr} ")),
            _ => rule.Protocol == FirewallProtocol.Icmp ? [(false, ""), (true, "")] : new[] { (false, "") },
        };
        return peers.Select(peer => peer.Item2 + Protocol(rule, peer.Item1));
    }

    private static string Protocol(FirewallRule rule, bool isIPv6) => rule.Protocol switch
    {
        FirewallProtocol.Tcp => "meta l4proto tcp " + Ports(rule),
        FirewallProtocol.Udp => "meta l4proto udp " + Ports(rule),
        FirewallProtocol.Icmp => isIPv6 ? "meta l4proto icmpv6 " : "meta l4proto icmp ",
        _ => "",
    };

    private static string Ports(FirewallRule rule) => rule.Ports.Count == 0 ? "" : $"th dport {{ {string.Join(", ", rule.Ports)} }} ";

    /// <summary>Frames beyond the rate are lost; the guest's TCP then slows down.</summary>
    private static string Rate(int kbps)
    {
        var bytesPerSecond = kbps * 125L;
        return string.Create(CultureInfo.InvariantCulture, $$"""
              set paced_{{kbps}} {
                type ifname
                size 65536
                flags dynamic,timeout
                timeout 1m
              }
              chain {{RateChain(kbps)}} {
                update @paced_{{kbps}} { iifname limit rate over {{bytesPerSecond}} bytes/second burst {{Math.Max(LeastBurstBytes, bytesPerSecond / 20)}} bytes } drop
              }

            """);
    }

    /// <summary>What was dropped is counted by who, what and where, for ten minutes; the sets are bounded, so nobody can fill a log.</summary>
    private static string Drops(string way, string card, string end) => $$"""
          set dropped4_{{way}} {
            type ifname . ipv4_addr . inet_proto . inet_service
            size 4096
            flags dynamic,timeout
            timeout 10m
            counter
          }
          set dropped6_{{way}} {
            type ifname . ipv6_addr . inet_proto . inet_service
            size 4096
            flags dynamic,timeout
            timeout 10m
            counter
          }
          chain drop_{{way}} {
            meta l4proto { tcp, udp } update @dropped4_{{way}} { {{card}} . ip {{end}} . meta l4proto . th dport } drop
            meta l4proto { tcp, udp } update @dropped6_{{way}} { {{card}} . ip6 {{end}} . meta l4proto . th dport } drop
            update @dropped4_{{way}} { {{card}} . ip {{end}} . meta l4proto . 0 } drop
            update @dropped6_{{way}} { {{card}} . ip6 {{end}} . meta l4proto . 0 } drop
            drop
          }

        """;
}
