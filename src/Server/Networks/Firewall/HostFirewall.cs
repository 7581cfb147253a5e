using System.Text;
using Lamina.Api;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Server.Control;

namespace Lamina.Server.Networks.Firewall;

/// <summary>Brings the firewall and the pace of cards into the kernel. Not safe for two callers at once.</summary>
internal sealed class HostFirewall(Instance instance, Netlink netlink) : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);
    private const int MostOutputBytes = 64 * 1024 * 1024;

    private readonly string table = TableOf(instance.NftTable);
    private readonly NicPaces _paces = new(instance.Name, netlink);
    private FirewallRuleset? _applied;
    private volatile FirewallPlan? _plan;
    private FirewallTracking? _tracking;

    /// <summary>The table of an instance, beside those of its networks.</summary>
    public static string TableOf(string instanceTable) => instanceTable + "_firewall";

    /// <summary>What the kernel has; null: not yet known.</summary>
    public FirewallPlan? Applied => _plan;

    /// <summary>How answers are known on this kernel; null: not yet known.</summary>
    public FirewallTracking? Tracking => _tracking;

    /// <summary>Loads what differs from what is there, in one transaction: no moment without rules, no connection lost.</summary>
    /// <param name="plan">What shall hold.</param>
    /// <param name="verify">Look whether somebody has flushed the host's rules.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="CommandException">nft refused.</exception>
    public async Task ApplyAsync(FirewallPlan plan, bool verify, CancellationToken cancellation)
    {
        _tracking ??= await ProbeAsync(cancellation);
        var wanted = FirewallRuleset.For(table, plan, _tracking.Value);
        if (_applied is null || (verify && !await IsThereAsync(cancellation))) await LoadAsync(wanted, cancellation);
        else await ChangeAsync(wanted, _applied, cancellation);
        _applied = wanted;
        _paces.Apply(plan.Nics);
        _plan = plan;
    }

    /// <summary>For a tap that was just made: its card's pace, before its first frame.</summary>
    public void Pace(string tap) => _paces.ApplyTo(tap, _plan?.Nics.FirstOrDefault(nic => nic.Tap == tap)?.InboundKbps);

    /// <summary>True when the kernel has the rules of this card as its record says, so that it may be plugged in.</summary>
    public bool Serves(string tap, VmNic nic)
    {
        var wanted = FilteredNic.From(tap, nic);
        if (_plan is not { } plan) return false;
        var served = plan.Nics.FirstOrDefault(served => served.Tap == tap) ?? new FilteredNic(tap, [], null, null);
        return served.Groups.SequenceEqual(wanted.Groups) && (served.InboundKbps, served.OutboundKbps) == (wanted.InboundKbps, wanted.OutboundKbps);
    }

    /// <summary>True when the kernel has these groups as their records say.</summary>
    public bool Holds(IReadOnlyList<CachedRecord<FirewallGroupSpec>> groups) => _plan is { } plan && groups.All(group =>
        plan.Groups.FirstOrDefault(applied => applied.Id == group.Id) is { } applied
        && applied.Inbound == group.Record.Inbound && applied.Outbound == group.Record.Outbound
        && applied.Rules.Select(rule => rule.Rule.Id).SequenceEqual(group.Record.Rules.Select(rule => rule.Id)));

    /// <summary>What the kernel counted until now.</summary>
    public async Task<FirewallCounts> CountAsync(CancellationToken cancellation)
    {
        var counters = await ListAsync(["counters", "table", "bridge", table], cancellation);
        var drops = new List<byte[]>();
        foreach (var set in FirewallCounts.DropSets) drops.Add(await ListAsync(["set", "bridge", table, set], cancellation));
        return FirewallCounts.Read(counters, drops);
    }

    public void Dispose() => _paces.Dispose();

    private async Task<byte[]> ListAsync(IReadOnlyList<string> what, CancellationToken cancellation) =>
        (await RunAsync(["-j", "list", .. what], "", cancellation)).EnsureSuccess().Output;

    private async Task<bool> IsThereAsync(CancellationToken cancellation) =>
        (await RunAsync(["-t", "list", "chain", "bridge", table, "to_guest"], "", cancellation)).OutputText.Contains("@inbound", StringComparison.Ordinal);

    private async Task ChangeAsync(FirewallRuleset wanted, FirewallRuleset applied, CancellationToken cancellation)
    {
        var script = wanted.ChangeFrom(applied);
        if (script.Length == 0) return;
        if (!(await RunAsync(["-f", "-"], script, cancellation)).Exit.Succeeded) await LoadAsync(wanted, cancellation);
    }

    /// <summary>Over what the kernel says to have, whoever put it there; what cannot be changed into ours (one of another version) is replaced.</summary>
    private async Task LoadAsync(FirewallRuleset wanted, CancellationToken cancellation)
    {
        var listed = await RunAsync(["-t", "list", "table", "bridge", table], "", cancellation);
        var present = listed.Exit.Succeeded ? FirewallRuleset.NamesIn(listed.OutputText) : [];
        if (!(await RunAsync(["-f", "-"], wanted.Load(present), cancellation)).Exit.Succeeded)
            (await RunAsync(["-f", "-"], wanted.Replace(), cancellation)).EnsureSuccess();
    }

    /// <summary>A kernel without nf_conntrack_bridge refuses the word; checked only, nothing is loaded.</summary>
    private async Task<FirewallTracking> ProbeAsync(CancellationToken cancellation)
    {
        var script = $"table bridge {table}_probe {{\n chain probe {{\n type filter hook prerouting priority 0; policy accept;\n ct state established accept\n }}\n}}\n";
        return (await RunAsync(["-c", "-f", "-"], script, cancellation)).Exit.Succeeded ? FirewallTracking.Conntrack : FirewallTracking.Flows;
    }

    private static Task<CommandResult> RunAsync(IReadOnlyList<string> arguments, string input, CancellationToken cancellation) => Command.RunAsync(
        new() { Program = "nft", Arguments = arguments, Input = Encoding.UTF8.GetBytes(input), Timeout = Timeout, MaxOutputBytes = MostOutputBytes }, cancellation);
}
