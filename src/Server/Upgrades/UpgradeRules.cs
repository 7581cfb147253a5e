using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Maintenance;

namespace Lamina.Server.Upgrades;

/// <summary>What stands in the way of an upgrade, and what a person should know before it (pure).</summary>
internal static class UpgradeRules
{
    public static ClusterUpgradePlan PlanOf(CacheSnapshot snapshot, string version)
    {
        var hosts = UpgradeViews.Of(snapshot, null).OrderBy(host => host.Rank).ThenBy(host => host.Name, StringComparer.Ordinal).ToList();
        return new ClusterUpgradePlan
        {
            Version = version,
            Blockers = [.. Blockers(snapshot, hosts, version)],
            Hosts = [.. hosts.Select(host => new UpgradeStep { Id = host.Id, Name = host.Name, Version = host.Version, Role = host.Rank.ToString().ToLowerInvariant(), IsDone = host.Version == version })],
            Notes = [.. Notes(hosts, version)],
        };
    }

    private static IEnumerable<Failure> Blockers(CacheSnapshot snapshot, IReadOnlyList<UpgradeHost> hosts, string version)
    {
        if (UpgradeJob.Open(snapshot) is { } open)
            yield return Blocker("upgrade.underWay", $"An upgrade to version {open.Version} is under way.", $"Follow it: lamina operation show {open.Operation}; or end it: lamina operation cancel {open.Operation}");
        foreach (var host in hosts)
        {
            if (!host.IsLive) yield return Blocker("upgrade.hostSilent", $"Host '{host.Name}' is silent.", $"Bring it back, or take it out: lamina host remove {host.Name} --dead");
            if (host.IsMigrating) yield return Blocker("upgrade.migrating", $"A VM is on its way to or from host '{host.Name}'.", "Wait for it, or cancel it: lamina operation list");
            if (host.Version is null) yield return Blocker("upgrade.versionUnknown", $"Host '{host.Name}' has not told its version.", "Wait until it has started.");
            else if (ProgramVersion.Compare(version, host.Version) < 0)
                yield return Blocker("upgrade.older", $"Host '{host.Name}' runs version {host.Version}, which is newer than {version}.", "An older version might not understand what a newer one has written: restore a backup instead.");
            else if (!ProgramVersion.WorkTogether(version, host.Version))
                yield return Blocker("upgrade.tooFar", $"Host '{host.Name}' runs version {host.Version}, with which {version} does not work together.", "Upgrade to each minor version in turn.");
        }

        foreach (var job in EvacuationJob.Open(snapshot))
            yield return Blocker("upgrade.evacuating", $"Host '{job.HostName}' is at {job.Kind}.", $"Wait for it, or end it: lamina operation cancel {job.Operation}");
    }

    private static IEnumerable<string> Notes(IReadOnlyList<UpgradeHost> hosts, string version)
    {
        if (hosts.All(host => host.Version == version)) yield return $"All hosts have version {version}: there is nothing to do.";
        else yield return "Guests run on: a daemon is away for some seconds, one host at a time.";
        if (hosts.Count(host => host.Rank is UpgradeRank.Voter or UpgradeRank.Leader or UpgradeRank.Witness) is > 1 and < 3)
            yield return "Fewer than three hosts vote: should one fail meanwhile, nothing can be changed until it is back.";
    }

    private static Failure Blocker(string code, string message, string remedy) => new() { Code = code, Message = message, Remedy = remedy };
}
