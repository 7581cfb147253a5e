using System.Text;
using Lamina.Linux.Processes;

namespace Lamina.Server.Networks;

/// <summary>Loads our rules into the kernel. Not safe for two callers at once.</summary>
internal sealed class HostNftables(string table)
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    private const string OwnTables = "lamina_";

    private NftRuleset? _applied;

    /// <summary>Loads what differs from the last time; the first time, and when that fails, everything.</summary>
    /// <exception cref="CommandException">nft refused.</exception>
    public async Task ApplyAsync(NftRuleset wanted, CancellationToken cancellation)
    {
        var script = wanted.ChangeFrom(_applied);
        if (script.Length == 0) return;
        var result = await RunAsync(["-f", "-"], script, cancellation);
        if (!result.Exit.Succeeded) (await RunAsync(["-f", "-"], wanted.Replace(), cancellation)).EnsureSuccess();
        _applied = wanted;
    }

    /// <summary>Firewalls of others that stood in the way at the last refresh.</summary>
    public IReadOnlyList<ForeignFirewall> Foreign { get; private set; } = [];

    /// <summary>Somebody may have flushed all rules of the host (a restart of nftables.service does): then they are loaded anew.</summary>
    public async Task RefreshAsync(NftRuleset wanted, CancellationToken cancellation)
    {
        var chains = (await RunAsync(["list", "chains"], "", cancellation)).EnsureSuccess().OutputText;
        var lines = chains.Split('\n');
        if (!lines.Contains($"table inet {table} {{") || !lines.Contains($"table bridge {table} {{")) _applied = null;
        await ApplyAsync(wanted, cancellation);
        Foreign = await InTheWayAsync(ForeignFirewall.Find(chains, OwnTables), cancellation);
    }

    private static async Task<IReadOnlyList<ForeignFirewall>> InTheWayAsync(IReadOnlyList<ForeignFirewall> found, CancellationToken cancellation)
    {
        var closed = new List<ForeignFirewall>();
        foreach (var firewall in found)
        {
            var rules = await RunAsync(["list", "table", .. firewall.Table.Split(' ')], "", cancellation);
            if (!ForeignFirewall.LetsGuestsPass(rules.OutputText)) closed.Add(firewall);
        }

        return closed;
    }

    private static Task<CommandResult> RunAsync(IReadOnlyList<string> arguments, string input, CancellationToken cancellation) => Command.RunAsync(
        new() { Program = "nft", Arguments = arguments, Input = Encoding.UTF8.GetBytes(input), Timeout = Timeout }, cancellation);
}
