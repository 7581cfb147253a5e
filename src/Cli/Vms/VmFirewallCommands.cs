using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli.Vms;

/// <summary><c>vm firewall show</c>, <c>vm firewall set</c></summary>
internal static class VmFirewallCommands
{
    private static readonly IReadOnlyList<Column<FirewallDrop>> DropColumns =
    [
        new("direction", d => FirewallCommands.Word(d.Direction)),
        new("peer", d => d.Peer),
        new("protocol", d => d.Protocol),
        new("port", d => d.Port?.ToString(), AlignRight: true),
        new("packets", d => d.Packets.ToString(), AlignRight: true),
    ];

    public static Command Build() => CommandBuilder.Noun("firewall", "which packets reach its cards", Show(), Set());

    private static Command Show()
    {
        var vm = VmArgument.Create();
        return CommandBuilder.Verb("show", "what filters its cards, what the rules met, and what was dropped in the last ten minutes", [vm], async (invocation, cancellationToken) =>
        {
            var names = await ObjectNames.OfFirewallAsync(invocation.Client, cancellationToken);
            var shown = (await invocation.Client.Vms.GetFirewallAsync(invocation.Value(vm), cancellationToken)).Value;
            IReadOnlyList<Column<VmFirewall>> fields =
            [
                new("vm", f => names.Of(f.Vm)),
                new("applied", f => f.Applied ? "yes" : "not yet"),
                new("tracking", f => $"{FirewallCommands.Word(f.Tracking)}: {f.TrackingReason}"),
                .. shown.Nics.Select(nic => new Column<VmFirewall>($"card {nic.Slot}", _ => Card(nic, names))),
            ];
            invocation.Printer.Show(shown, ApiJson.Default.VmFirewall, fields);
        });
    }

    private static Command Set()
    {
        var vm = VmArgument.Create();
        var groups = new Option<string[]>("--group") { Description = "a firewall group; may be repeated, in the order in which they are tried", HelpName = "group" };
        var nic = new Option<int?>("--nic") { Description = "slot of one card (default: all)", HelpName = "n" };
        var none = new Option<bool>("--none") { Description = "filter nothing" };
        return CommandBuilder.Verb("set", "set the groups that filter its cards; they hold at once", [vm, groups, nic, none], async (invocation, cancellationToken) =>
        {
            var chosen = invocation.Value(groups) ?? [];
            if (chosen.Length == 0 != invocation.Value(none)) throw new CliException(ExitCode.Usage, "name groups, or --none", "lamina firewall group list");
            await invocation.Client.Vms.SetFirewallAsync(invocation.Value(vm), new VmFirewallUpdate { Groups = chosen, Nic = invocation.Value(nic) }, cancellationToken);
            invocation.Say(chosen.Length == 0 ? $"{invocation.Value(vm)} is filtered no more" : $"{invocation.Value(vm)} is filtered by {string.Join(", ", chosen)}");
        });
    }

    private static string Card(NicFirewall nic, ObjectNames names)
    {
        var lines = new List<string> { $"{nic.Mac} {nic.Address}".TrimEnd() };
        lines.Add(nic.Inbound is null ? "not filtered (forged addresses are dropped)" : $"in {FirewallCommands.Word(nic.Inbound.Value)}, out {FirewallCommands.Word(nic.Outbound!.Value)}, but:");
        if (nic.InboundKbps is { } inbound) lines.Add($"at most {RateOptions.Format(inbound)} to the guest");
        if (nic.OutboundKbps is { } outbound) lines.Add($"at most {RateOptions.Format(outbound)} from the guest");
        IReadOnlyList<Column<(string Group, CountedFirewallRule Counted)>> columns =
        [
            new("group", r => r.Group),
            .. FirewallCommands.RuleColumns(names).Select(column => new Column<(string Group, CountedFirewallRule Counted)>(column.Heading, r => column.Cell(r.Counted.Rule), column.AlignRight)),
            new("packets", r => r.Counted.Packets.ToString(), AlignRight: true),
        ];
        var rules = nic.Groups.SelectMany(group => group.Rules.Select(rule => (group.Name, rule))).ToList();
        if (rules.Count > 0) lines.Add(TextTable.Render(rules, columns, null).TrimEnd());
        if (nic.Dropped.Count > 0) lines.Add("dropped in the last ten minutes:\n" + TextTable.Render(nic.Dropped, DropColumns, null).TrimEnd());
        return string.Join("\n", lines);
    }
}
