using System.CommandLine;
using Lamina.Api;
using Lamina.Cli.Output;

namespace Lamina.Cli;

/// <summary><c>lamina placement …</c>: which host a VM runs on, and why.</summary>
internal static class PlacementCommands
{
    private static readonly IReadOnlyList<Column<PlacementReport>> Fields =
    [
        new("strategy", r => FirewallCommands.Word(r.Settings.Strategy)),
        new("cpu of new VMs", r => r.Baseline is { } b ? $"{b.Model}: {b.Reason}" : "no host has told yet what it offers"),
    ];

    public static Command Build() => CommandBuilder.Noun(
        "placement",
        "which host a VM runs on, and why",
        Show(),
        Set(),
        Explain(),
        CommandBuilder.Noun("rule", "VMs apart, together, on some hosts or not on others", ListRules(), ShowRule(), CreateRule(), DeleteRule()));

    private static IReadOnlyList<Column<PlacementRule>> RuleColumns(ObjectNames names) =>
    [
        new("name", r => r.Name),
        new("says", r => Says(r.Spec, names)),
        new("is", r => r.Spec.Preferred ? "preferred" : "required"),
        new("vms", r => string.Join(",", r.Covers.Select(names.Of))),
        new("tags", r => string.Join(",", r.Spec.Tags)),
        new("notes", r => r.Spec.Notes),
    ];

    private static string Says(PlacementRuleSpec rule, ObjectNames names) => rule.Kind switch
    {
        PlacementRuleKind.Apart => "apart",
        PlacementRuleKind.Together => "together",
        PlacementRuleKind.OnHosts => "on " + string.Join(",", rule.Hosts.Select(names.Of)),
        _ => "not on " + string.Join(",", rule.Hosts.Select(names.Of)),
    };

    private static Command Show() => CommandBuilder.Verb("show", "how hosts are chosen, and the CPU that new VMs get", [], async (invocation, cancellationToken) =>
        invocation.Printer.Show((await invocation.Client.Placement.GetAsync(cancellationToken)).Value, ApiJson.Default.PlacementReport, Fields));

    private static Command Set()
    {
        var strategy = new Option<PlacementStrategy?>("--strategy") { Description = "balance (most to spare) or pack (fullest first)", HelpName = "balance|pack" };
        var model = new Option<string?>("--cpu-model") { Description = "CPU of new VMs; auto: the newest that every host offers", HelpName = "model" };
        return CommandBuilder.Verb("set", "change how hosts are chosen", [strategy, model], async (invocation, cancellationToken) =>
        {
            if (invocation.Value(strategy) is null && invocation.Value(model) is null) throw new CliException(ExitCode.Usage, "nothing to change was named", "lamina placement set --help");
            var settings = (await invocation.Client.Placement.GetAsync(cancellationToken)).Value.Settings;
            string? wanted = invocation.Value(model) switch { null => settings.CpuModel, "auto" => null, var named => named };
            var report = await invocation.Client.Placement.UpdateAsync(new PlacementSettingsUpdate { Strategy = invocation.Value(strategy) ?? settings.Strategy, CpuModel = wanted, Balance = settings.Balance }, cancellationToken);
            invocation.Printer.Show(report, ApiJson.Default.PlacementReport, Fields);
        });
    }

    private static Command Explain()
    {
        var vm = new Argument<string>("vm") { Description = "name or id" };
        IReadOnlyList<Column<PlacementOpinion>> columns =
        [
            new("host", o => o.HostName),
            new("fits", o => o.IsHere ? "is here" : o.Fits ? "yes" : "no"),
            new("score", o => o.Score?.ToString(), AlignRight: true),
            new("why not", o => string.Join(" ", o.Reasons.Select(reason => reason.Message))),
        ];
        return CommandBuilder.Verb("explain", "what each host says about a VM", [vm], async (invocation, cancellationToken) =>
            invocation.Printer.List(await invocation.Client.Placement.ExplainAsync(invocation.Value(vm), cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.PlacementOpinion, columns));
    }

    private static Command ListRules() => CommandBuilder.Verb("list", "the rules of the project", [], async (invocation, cancellationToken) =>
    {
        var names = await NamesAsync(invocation, cancellationToken);
        invocation.Printer.List(await invocation.Client.Placement.ListRulesAsync(cancellationToken).ToListAsync(cancellationToken), ApiJson.Default.PlacementRule, RuleColumns(names));
    });

    private static Command ShowRule()
    {
        var rule = RuleArgument();
        return CommandBuilder.Verb("show", "a rule, and the VMs that it covers", [rule], async (invocation, cancellationToken) =>
        {
            var names = await NamesAsync(invocation, cancellationToken);
            IReadOnlyList<Column<PlacementRule>> fields = [.. RuleColumns(names), new("id", r => r.Id), new("created", r => Times.Absolute(r.Spec.CreatedAt))];
            invocation.Printer.Show((await invocation.Client.Placement.GetRuleAsync(invocation.Value(rule), cancellationToken)).Value, ApiJson.Default.PlacementRule, fields);
        });
    }

    private static Command CreateRule()
    {
        var name = new Argument<string>("name");
        var apart = Many("--apart", "no two of these on one host: vm:NAME or tag:NAME", "members");
        var together = Many("--together", "all of these on one host: vm:NAME or tag:NAME", "members");
        var on = Many("--on", "these hosts only; the VMs by --for", "hosts");
        var notOn = Many("--not-on", "any host but these; the VMs by --for", "hosts");
        var members = Many("--for", "whom --on and --not-on are about: vm:NAME or tag:NAME", "members");
        var preferred = new Option<bool>("--preferred") { Description = "wished for, not demanded: better elsewhere than not at all" };
        var notes = new Option<string?>("--notes") { Description = "what it is for", HelpName = "text" };
        return CommandBuilder.Verb("create", "make a rule", [name, apart, together, on, notOn, members, preferred, notes], async (invocation, cancellationToken) =>
        {
            (PlacementRuleKind Kind, string[]? Named)[] asked =
            [
                (PlacementRuleKind.Apart, invocation.Value(apart)), (PlacementRuleKind.Together, invocation.Value(together)),
                (PlacementRuleKind.OnHosts, invocation.Value(on)), (PlacementRuleKind.NotOnHosts, invocation.Value(notOn)),
            ];
            var named = asked.Where(kind => kind.Named is { Length: > 0 }).ToList();
            if (named.Count != 1) throw new CliException(ExitCode.Usage, "name one of --apart, --together, --on and --not-on", "lamina placement rule create db --apart vm:db1 vm:db2");
            bool namesHosts = named[0].Kind is PlacementRuleKind.OnHosts or PlacementRuleKind.NotOnHosts;
            var (vms, tags) = Members(namesHosts ? invocation.Value(members) ?? [] : named[0].Named!);
            var create = new PlacementRuleCreate
            {
                Name = invocation.Value(name),
                Kind = named[0].Kind,
                Vms = vms,
                Tags = tags,
                Hosts = namesHosts ? named[0].Named : null,
                Preferred = invocation.Value(preferred),
                Notes = invocation.Value(notes),
            };
            await invocation.Client.Placement.CreateRuleAsync(create, cancellationToken);
            invocation.Say($"placement rule {create.Name} is made; it holds whenever a VM is placed or moved");
        });
    }

    private static Command DeleteRule()
    {
        var rule = RuleArgument();
        var yes = SharedOptions.Yes();
        return CommandBuilder.Verb("delete", "delete a rule; VMs stay where they are", [rule, yes], async (invocation, cancellationToken) =>
        {
            Terminal.Confirm($"Delete placement rule {invocation.Value(rule)}?", invocation.Value(yes));
            await invocation.Client.Placement.DeleteRuleAsync(invocation.Value(rule), cancellationToken);
            invocation.Say($"placement rule {invocation.Value(rule)} is deleted");
        });
    }

    private static (IReadOnlyList<string> Vms, IReadOnlyList<string> Tags) Members(string[] asked)
    {
        var (vms, tags) = (new List<string>(), new List<string>());
        foreach (string member in asked)
        {
            switch (member.Split(':', 2))
            {
                case ["vm", var vm]:
                    vms.Add(vm);
                    break;
                case ["tag", var tag]:
                    tags.Add(tag);
                    break;
                default:
                    throw new CliException(ExitCode.Usage, $"'{member}' is neither vm:NAME nor tag:NAME", "lamina placement rule create db --apart vm:db1 tag:database");
            }
        }

        return (vms, tags);
    }

    private static async Task<ObjectNames> NamesAsync(Invocation invocation, CancellationToken cancellationToken) =>
        (await ObjectNames.OfVmsAsync(invocation.Client, cancellationToken)).With(await ObjectNames.OfHostsAsync(invocation.Client, cancellationToken));

    private static Argument<string> RuleArgument() => new("rule") { Description = "name or id" };

    private static Option<string[]> Many(string name, string what, string help) => new(name) { Description = what, HelpName = help, AllowMultipleArgumentsPerToken = true };
}
