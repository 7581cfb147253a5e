using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Lamina.Api;
using Lamina.Server.Networks.Firewall;
using Xunit;

namespace Lamina.Tests.Unit.Networks.Firewall;

/// <summary>The plan in, the words of nft out; they are checked in, beside this file, and loaded into a kernel by the integration tests.</summary>
public class FirewallRulesetTests
{
    private const string Web = "01970000-0000-7000-8000-00000000000a";
    private const string Database = "01970000-0000-7000-8000-00000000000b";

    private static readonly FirewallPlan Plan = new()
    {
        Groups =
        [
            Group(
                Web,
                ["192.168.200.10", "fd00::10"],
                new() { Id = 1, Direction = FirewallDirection.In, Action = FirewallAction.Drop, Peer = new() { Cidr = "203.0.113.0/24" } },
                new() { Id = 2, Direction = FirewallDirection.In, Action = FirewallAction.Accept, Protocol = FirewallProtocol.Tcp, Ports = ["80", "443", "8000-8100"] },
                new() { Id = 4, Direction = FirewallDirection.In, Action = FirewallAction.Accept, Protocol = FirewallProtocol.Icmp },
                new() { Id = 5, Direction = FirewallDirection.Out, Action = FirewallAction.Drop, Protocol = FirewallProtocol.Tcp, Ports = ["25"] }),
            Group(
                Database,
                [],
                new() { Id = 1, Direction = FirewallDirection.In, Action = FirewallAction.Accept, Protocol = FirewallProtocol.Tcp, Ports = ["5432"], Peer = new() { Group = Web } },
                new() { Id = 2, Direction = FirewallDirection.In, Action = FirewallAction.Accept, Protocol = FirewallProtocol.Udp, Peer = new() { Cidr = "fd00::/8" } }) with
            { Outbound = FirewallAction.Drop },
        ],
        Nics = [new("lmaaaaaaaaaaaaa", [Web], 100_000, 50_000), new("lmbbbbbbbbbbbbb", [Web, Database], null, null), new("lmccccccccccccc", [], null, 50_000)],
        Gateways = ["192.168.200.1"],
    };

    [Theory]
    [InlineData(FirewallTracking.Conntrack, "conntrack.nft")]
    [InlineData(FirewallTracking.Flows, "flows.nft")]
    public void The_rules_of_cards(FirewallTracking tracking, string golden) => AssertGolden(golden, For(Plan, tracking).Load([]));

    [Fact]
    public void Nothing_changed_needs_no_script() => Assert.Equal("", For(Plan).ChangeFrom(For(Plan)));

    [Fact]
    public void A_card_more_changes_only_its_elements()
    {
        var fewer = Plan with { Nics = [Plan.Nics[0], Plan.Nics[1]] };
        Assert.Equal("add element bridge lamina_0_firewall rates { \"lmccccccccccccc\" : goto rate_50000 }\n", For(Plan).ChangeFrom(For(fewer)));
        Assert.Equal("delete element bridge lamina_0_firewall rates { \"lmccccccccccccc\" : goto rate_50000 }\n", For(fewer).ChangeFrom(For(Plan)));
    }

    [Fact]
    public void A_card_that_changes_its_groups_is_never_without()
    {
        var changed = Plan with { Nics = [Plan.Nics[0] with { Groups = [Web, Database] }, Plan.Nics[1], Plan.Nics[2]] };
        var before = Plan with { Nics = [Plan.Nics[0], Plan.Nics[1], Plan.Nics[2]] };
        var script = For(changed).ChangeFrom(For(before));
        Assert.StartsWith("table bridge lamina_0_firewall\nflush table bridge lamina_0_firewall\n", script, StringComparison.Ordinal); // a profile less
        Assert.DoesNotContain("delete table", script, StringComparison.Ordinal);
        Assert.Contains($"delete chain bridge lamina_0_firewall in_{Plan.Nics[0].Profile}\n", script, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_group_no_longer_has_is_taken_out_and_its_flows_stay()
    {
        var without = Plan with { Groups = [Plan.Groups[0] with { Rules = [] }, Plan.Groups[1]] };
        var script = For(without).ChangeFrom(For(Plan));
        Assert.Contains($"delete counter bridge lamina_0_firewall {FirewallText.Counter(Web, 1)}\n", script, StringComparison.Ordinal);
        Assert.Contains("flush map bridge lamina_0_firewall inbound\n", script, StringComparison.Ordinal);
        Assert.DoesNotContain("flush set bridge lamina_0_firewall tcp4", script, StringComparison.Ordinal);
    }

    [Fact]
    public void The_names_of_a_table_are_found_in_what_nft_prints() => Assert.Equal(
        ["counter rule_a_1", "set members4_a", "map inbound", "chain in_p1"],
        FirewallRuleset.NamesIn("table bridge x {\n\tcounter rule_a_1 {\n\t\tpackets 0 bytes 0\n\t}\n\n\tset members4_a {\n\t\ttype ipv4_addr\n\t}\n\tmap inbound {\n\t}\n\tchain in_p1 {\n\t}\n}\n"));

    private static FirewallRuleset For(FirewallPlan plan, FirewallTracking tracking = FirewallTracking.Flows) => FirewallRuleset.For("lamina_0_firewall", plan, tracking);

    private static PlannedGroup Group(string id, ImmutableSortedSet<string> members, params FirewallRule[] rules) => new(
        id, FirewallAction.Drop, FirewallAction.Accept, [.. rules.Select(rule => PlannedRule.From(rule, new Dictionary<string, ImmutableArray<string>>()))], members);

    private static void AssertGolden(string name, string actual, [CallerFilePath] string here = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(here)!, "golden", name);
        if (Environment.GetEnvironmentVariable("LAMINA_WRITE_GOLDEN") is not null) File.WriteAllText(path, actual);
        Assert.Equal(File.ReadAllText(path), actual);
    }
}
