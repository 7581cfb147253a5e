using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina firewall group …</c>, <c>lamina firewall rule …</c></summary>
internal static class FirewallCommands
{
    public static Command Build() => CommandBuilder.Noun(
        "firewall",
        "which packets reach VMs",
        CommandBuilder.Noun("group", "groups of rules, which cards bear", ListGroups(), ShowGroup(), CreateGroup(), SetGroup(), DeleteGroup()),
        CommandBuilder.Noun("rule", "rules of a group: the first that matches decides", ListRules(), AddRule(), RemoveRule()));

    public static IReadOnlyList<Column<FirewallRule>> RuleColumns(ObjectNames names) =>
    [
        new("rule", r => r.Id.ToString(), AlignRight: true),
        new("direction", r => Word(r.Direction)),
        new("action", r => Word(r.Action)),
        new("protocol", r => Word(r.Protocol)),
        new("ports", r => r.Ports.Count == 0 ? "any" : string.Join(",", r.Ports)),
        new("from or to", r => Peer(r.Peer, names)),
        new("notes", r => r.Notes),
    ];

    public static string Peer(FirewallPeer? peer, ObjectNames names) => peer switch
    {
        { Cidr: { } cidr } => cidr,
        { Group: { } group } => $"group:{names.Of(group)}",
        { Network: { } network } => $"network:{names.Of(network)}",
        _ => "any",
    };

    /// <summary>As the API spells it.</summary>
    public static string Word<T>(T value)
        where T : struct, Enum => value.ToString().ToLowerInvariant();

    private static IReadOnlyList<Column<FirewallGroup>> GroupColumns(ObjectNames names) =>
    [
        new("name", g => g.Name),
        new("in", g => Word(g.Spec.Inbound)),
        new("out", g => Word(g.Spec.Outbound)),
        new("rules", g => g.Spec.Rules.Count.ToString(), AlignRight: true),
        new("vms", g => string.Join(",", g.UsedBy.Select(names.Of))),
        new("notes", g => g.Spec.Notes),
    ];

    private static Command ListGroups() => CommandBuilder.Verb("list", "the groups of the project", [], async (invocation, cancellationToken) =>
    {
        var names = await ObjectNames.OfFirewallAsync(invocation.Client, cancellationToken);
        invocation.Printer.List(await invocation.Client.FirewallGroups.ListAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.FirewallGroup, GroupColumns(names));
    });

    private static Command ShowGroup()
    {
        var group = GroupArgument();
        return CommandBuilder.Verb("show", "a group: its policy, its rules, and who bears it", [group], async (invocation, cancellationToken) =>
        {
            var names = await ObjectNames.OfFirewallAsync(invocation.Client, cancellationToken);
            var shown = (await invocation.Client.FirewallGroups.GetAsync(invocation.Value(group), cancellationToken)).Value;
            IReadOnlyList<Column<FirewallGroup>> fields =
            [
                .. GroupColumns(names).Where(column => column.Heading is not ("rules" or "vms")),
                new("id", g => g.Id),
                new("vms", g => string.Join("\n", g.UsedBy.Select(names.Of))),
                new("rules", g => g.Spec.Rules.Count == 0 ? "none" : TextTable.Render(g.Spec.Rules, RuleColumns(names), null).TrimEnd()),
            ];
            invocation.Printer.Show(shown, ApiJson.Default.FirewallGroup, fields);
        });
    }

    private static Command CreateGroup()
    {
        var name = new Argument<string>("name");
        var (inbound, outbound, notes) = (PolicyOption("--in", "to the guest (default: drop)"), PolicyOption("--out", "of the guest (default: accept)"), NotesOption());
        return CommandBuilder.Verb("create", "make a group", [name, inbound, outbound, notes], async (invocation, cancellationToken) =>
        {
            var create = new FirewallGroupCreate { Name = invocation.Value(name), Inbound = invocation.Value(inbound), Outbound = invocation.Value(outbound), Notes = invocation.Value(notes) };
            await invocation.Client.FirewallGroups.CreateAsync(create, cancellationToken);
            invocation.Say($"firewall group {create.Name} is made; add what may pass: lamina firewall rule add {create.Name} --direction in …");
        });
    }

    private static Command SetGroup()
    {
        var group = GroupArgument();
        var (inbound, outbound, notes) = (PolicyOption("--in", "to the guest"), PolicyOption("--out", "of the guest"), NotesOption());
        return CommandBuilder.Verb("set", "change what becomes of packets that no rule names", [group, inbound, outbound, notes], async (invocation, cancellationToken) =>
        {
            var update = new FirewallGroupUpdate { Inbound = invocation.Value(inbound), Outbound = invocation.Value(outbound), Notes = invocation.Value(notes) };
            if (update == new FirewallGroupUpdate()) throw new CliException(ExitCode.Usage, "nothing to change was named", "lamina firewall group set --help");
            await invocation.Client.FirewallGroups.UpdateAsync(invocation.Value(group), update, ifMatch: null, cancellationToken);
            invocation.Say($"firewall group {invocation.Value(group)} is changed");
        });
    }

    private static Command DeleteGroup()
    {
        var group = GroupArgument();
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("delete", "delete a group that nothing uses", [group, yes], async (invocation, cancellationToken) =>
        {
            Terminal.Confirm($"Delete firewall group {invocation.Value(group)}?", invocation.Value(yes));
            await invocation.Client.FirewallGroups.DeleteAsync(invocation.Value(group), cancellationToken);
            invocation.Say($"firewall group {invocation.Value(group)} is deleted");
        });
    }

    private static Command ListRules()
    {
        var group = GroupArgument();
        return CommandBuilder.Verb("list", "the rules of a group, in the order in which they are tried", [group], async (invocation, cancellationToken) =>
        {
            var names = await ObjectNames.OfFirewallAsync(invocation.Client, cancellationToken);
            var shown = (await invocation.Client.FirewallGroups.GetAsync(invocation.Value(group), cancellationToken)).Value;
            invocation.Printer.List(shown.Spec.Rules, ApiJson.Default.FirewallRule, RuleColumns(names));
        });
    }

    private static Command AddRule()
    {
        var group = GroupArgument();
        var direction = new Option<FirewallDirection>("--direction") { Description = "in (to the guest) or out", HelpName = "in|out", Required = true };
        var action = new Option<FirewallAction?>("--action") { Description = "accept (the default) or drop", HelpName = "accept|drop" };
        var protocol = new Option<FirewallProtocol?>("--protocol") { Description = "tcp, udp, icmp or any (the default)", HelpName = "protocol" };
        var ports = new Option<string?>("--port") { Description = "destination ports: 80,443,8000-8100", HelpName = "ports" };
        var source = new Option<string?>("--source") { Description = "who connects, of a rule in: 203.0.113.0/24, group:web or network:lab", HelpName = "peer" };
        var destination = new Option<string?>("--destination") { Description = "to whom, of a rule out: likewise", HelpName = "peer" };
        var before = new Option<int?>("--before") { Description = "put it before this rule (default: last)", HelpName = "rule" };
        var notes = NotesOption();
        return CommandBuilder.Verb("add", "add a rule; it holds at once", [group, direction, action, protocol, ports, source, destination, before, notes], async (invocation, cancellationToken) =>
        {
            var isIn = invocation.Value(direction) == FirewallDirection.In;
            if (invocation.Value(isIn ? destination : source) is not null)
                throw new CliException(ExitCode.Usage, isIn ? "a rule in has a --source, no --destination" : "a rule out has a --destination, no --source", "the other end is the guest itself");
            var create = new FirewallRuleCreate
            {
                Direction = invocation.Value(direction),
                Action = invocation.Value(action),
                Protocol = invocation.Value(protocol),
                Ports = invocation.Value(ports)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
                Peer = PeerOf(invocation.Value(isIn ? source : destination)),
                Before = invocation.Value(before),
                Notes = invocation.Value(notes),
            };
            var changed = await invocation.Client.FirewallGroups.AddRuleAsync(invocation.Value(group), create, cancellationToken);
            invocation.Say($"rule {changed.Spec.LastRule} is added to {changed.Name}");
        });
    }

    private static Command RemoveRule()
    {
        var group = GroupArgument();
        var rule = new Argument<int>("rule") { Description = "its number" };
        return CommandBuilder.Verb("remove", "remove a rule; connections that it let through stay", [group, rule], async (invocation, cancellationToken) =>
        {
            await invocation.Client.FirewallGroups.RemoveRuleAsync(invocation.Value(group), invocation.Value(rule), cancellationToken);
            invocation.Say($"rule {invocation.Value(rule)} is removed from {invocation.Value(group)}");
        });
    }

    private static FirewallPeer? PeerOf(string? text) => text?.Split(':', 2) switch
    {
        null or ["any"] => null,
        ["group", var group] => new FirewallPeer { Group = group },
        ["network", var network] => new FirewallPeer { Network = network },
        _ => new FirewallPeer { Cidr = text },
    };

    private static Argument<string> GroupArgument() => new("group") { Description = "name or id" };

    private static Option<FirewallAction?> PolicyOption(string name, string what) => new(name) { Description = $"accept or drop new connections {what}", HelpName = "accept|drop" };

    private static Option<string?> NotesOption() => new("--notes") { Description = "what it is for", HelpName = "text" };
}
