using Lamina.Api;

namespace Lamina.Server.Upgrades;

/// <summary>How far something is that a host was asked for.</summary>
internal enum UpgradePart
{
    None,
    Open,
    Done,
    Failed,
}

/// <summary>In which order hosts are upgraded: those first whose loss costs the cluster least, and the one last that leads it.</summary>
internal enum UpgradeRank
{
    Witness,
    Client,
    Voter,
    Leader,
}

/// <summary>A host as an upgrade sees it.</summary>
internal sealed record UpgradeHost
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required UpgradeRank Rank { get; init; }

    /// <summary>A witness runs no VM, also where it leads.</summary>
    public bool IsWitness { get; init; }

    /// <summary>That its daemon has written of itself; null: not yet.</summary>
    public string? Version { get; init; }
    public bool IsLive { get; init; }

    /// <summary>A VM is on its way to or from it.</summary>
    public bool IsMigrating { get; init; }
    public UpgradePart Prepared { get; init; }
    public UpgradePart Emptied { get; init; }
    public UpgradePart Switched { get; init; }
    public UpgradePart Filled { get; init; }

    /// <summary>Of the part that has failed.</summary>
    public Failure? Failure { get; init; }
}

/// <summary>What a host is asked for next.</summary>
internal enum UpgradeAct
{
    Prepare,
    Empty,
    Switch,
    Fill,
}

/// <summary>What follows from where an upgrade stands: hosts are asked, something is waited for, or it ends.</summary>
internal abstract record UpgradeMove
{
    public sealed record Ask(UpgradeAct Act, IReadOnlyList<UpgradeHost> Hosts) : UpgradeMove;

    /// <param name="Words">What for.</param>
    /// <param name="Patience">After which it has failed; null: it ends by itself.</param>
    public sealed record Wait(string Words, TimeSpan? Patience) : UpgradeMove;

    /// <param name="Failure">Null: all hosts have the version.</param>
    public sealed record End(Failure? Failure) : UpgradeMove;

    /// <summary>It was to be given up, and nothing is under way.</summary>
    public sealed record Cancelled : UpgradeMove;
}

/// <summary>
/// The next move of a rolling upgrade (pure), by records alone: whoever leads next sees the same. First all hosts make the version ready, so that what stands in the way shows before
/// anything has changed; then one host after the other runs it, and the next only when the one before has proved itself and all are there.
/// </summary>
internal static class UpgradePlan
{
    /// <summary>A daemon that starts anew is there again in seconds; the slowest machine needs less than this.</summary>
    public static readonly TimeSpan ReturnPatience = TimeSpan.FromMinutes(5);

    private const string CancelledCode = "operation.cancelled";

    public static UpgradeMove Next(IReadOnlyList<UpgradeHost> all, string version, bool evacuate, bool isCancelled)
    {
        var hosts = all.OrderBy(host => host.Rank).ThenBy(host => host.Name, StringComparer.Ordinal).ToList();
        if (hosts.FirstOrDefault(host => host.Failure is { } failure && !(isCancelled && failure.Code == CancelledCode)) is { } failed)
            return new UpgradeMove.End(Halted(failed, hosts, version));
        if (isCancelled) return Busy(hosts) ?? Ending(hosts);
        if (Preparing(hosts, version) is { } preparing) return preparing;
        if (Busy(hosts) is { } busy) return busy;
        var next = hosts.FirstOrDefault(host => host.Version == version && host is { Emptied: UpgradePart.Done, Filled: UpgradePart.None })
            ?? hosts.FirstOrDefault(host => host.Version != version);
        if (next is null) return new UpgradeMove.End(null);
        if (hosts.FirstOrDefault(host => !host.IsLive) is { } silent) return new UpgradeMove.Wait($"host '{silent.Name}' is silent", ReturnPatience);
        return Step(next, version, evacuate);
    }

    /// <summary>A host that was emptied for it takes VMs again.</summary>
    private static UpgradeMove Ending(List<UpgradeHost> hosts) =>
        hosts.FirstOrDefault(host => host is { Emptied: UpgradePart.Done, Filled: UpgradePart.None }) is { } empty ? new UpgradeMove.Ask(UpgradeAct.Fill, [empty]) : new UpgradeMove.Cancelled();

    /// <summary>Null: all are ready.</summary>
    private static UpgradeMove? Preparing(List<UpgradeHost> hosts, string version)
    {
        var outdated = hosts.Where(host => host.Version != version).ToList();
        var asked = outdated.Where(host => host.Prepared == UpgradePart.None).ToList();
        if (asked.Count > 0) return new UpgradeMove.Ask(UpgradeAct.Prepare, asked);
        var open = outdated.Where(host => host.Prepared == UpgradePart.Open).ToList();
        if (open.Count == 0) return null;
        var silent = open.FirstOrDefault(host => !host.IsLive);
        return new UpgradeMove.Wait(
            silent is null ? $"{Names(open)} {(open.Count == 1 ? "makes" : "make")} version {version} ready" : $"host '{silent.Name}' is silent, and is to make version {version} ready",
            silent is null ? null : ReturnPatience);
    }

    private static UpgradeMove? Busy(List<UpgradeHost> hosts)
    {
        if (hosts.FirstOrDefault(host => host.Switched == UpgradePart.Open) is { } switching)
            return new UpgradeMove.Wait($"the daemon of host '{switching.Name}' is replaced", ReturnPatience);
        if (hosts.FirstOrDefault(host => host.Emptied == UpgradePart.Open) is { } emptied) return new UpgradeMove.Wait($"host '{emptied.Name}' is emptied", null);
        if (hosts.FirstOrDefault(host => host.Filled == UpgradePart.Open) is { } filled) return new UpgradeMove.Wait($"host '{filled.Name}' gets its VMs back", null);
        return hosts.Any(host => host.Prepared == UpgradePart.Open) ? new UpgradeMove.Wait($"{Names([.. hosts.Where(host => host.Prepared == UpgradePart.Open)])} end what they began", ReturnPatience) : null;
    }

    private static UpgradeMove Step(UpgradeHost next, string version, bool evacuate)
    {
        if (next.Version == version) return new UpgradeMove.Ask(UpgradeAct.Fill, [next]);
        if (next.Switched == UpgradePart.Done) return new UpgradeMove.Wait($"host '{next.Name}' has not written its version yet", ReturnPatience);
        if (evacuate && !next.IsWitness && next.Emptied == UpgradePart.None) return new UpgradeMove.Ask(UpgradeAct.Empty, [next]);
        return next.IsMigrating
            ? new UpgradeMove.Wait($"a VM is on its way to or from host '{next.Name}'", null)
            : new UpgradeMove.Ask(UpgradeAct.Switch, [next]);
    }

    private static Failure Halted(UpgradeHost failed, List<UpgradeHost> hosts, string version)
    {
        int done = hosts.Count(host => host.Version == version);
        return failed.Failure! with
        {
            Message = $"The upgrade halts at host '{failed.Name}', {done} of {hosts.Count} hosts have version {version}: {failed.Failure.Message}",
            Remedy = $"{failed.Failure.Remedy} Then ask again: hosts that have the version are left alone.".Trim(),
        };
    }

    private static string Names(IReadOnlyList<UpgradeHost> hosts) => string.Join(", ", hosts.Select(host => $"'{host.Name}'"));
}
