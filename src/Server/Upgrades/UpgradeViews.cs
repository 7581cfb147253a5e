using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Maintenance;
using Lamina.Server.Operations;

namespace Lamina.Server.Upgrades;

/// <summary>Where an upgrade stands, by the records (pure).</summary>
internal static class UpgradeViews
{
    /// <param name="snapshot">The records.</param>
    /// <param name="operation">The upgrade; null: none was begun.</param>
    public static IReadOnlyList<UpgradeHost> Of(CacheSnapshot snapshot, string? operation)
    {
        var children = operation is null ? [] : snapshot.All(Keys.Operations.Request)
            .Where(request => (string?)request.Record.Parameters?[UpgradeJob.ForParameter] == operation)
            .Select(request => OperationViews.Of(request.Id, request.Record, snapshot.Get(Keys.Operations.State, request.Id)?.Record)).ToList();
        return [.. snapshot.All(Keys.Hosts.Spec).Select(host => Of(snapshot, host, [.. children.Where(child => child.Request.Target.Id == host.Id)]))];
    }

    /// <summary>The children that have not ended.</summary>
    public static IEnumerable<CachedRecord<OperationRequest>> OpenChildren(CacheSnapshot snapshot, string operation) => snapshot.All(Keys.Operations.Request)
        .Where(request => (string?)request.Record.Parameters?[UpgradeJob.ForParameter] == operation && !(snapshot.Get(Keys.Operations.State, request.Id)?.Record).IsEnded());

    private static UpgradeHost Of(CacheSnapshot snapshot, CachedRecord<HostSpec> host, IReadOnlyList<Operation> children)
    {
        Operation? Child(string kind) => children.FirstOrDefault(child => child.Request.Kind == kind);
        return new UpgradeHost
        {
            Id = host.Id,
            Name = host.Record.Name,
            Rank = RankOf(snapshot, host),
            IsWitness = host.Record.Witness,
            Version = snapshot.Get(Keys.Hosts.Status, host.Id)?.Record.DaemonVersion,
            IsLive = HostPresence.IsLive(snapshot, host.Id),
            IsMigrating = snapshot.All(Keys.Vms.Handover).Any(handover => handover.Record.From == host.Id || handover.Record.To == host.Id),
            Prepared = PartOf(Child(UpgradeJob.PrepareKind)),
            Emptied = PartOf(Child(EvacuationJob.Enter)),
            Switched = PartOf(Child(UpgradeJob.SwitchKind)),
            Filled = PartOf(Child(EvacuationJob.Exit)),
            Failure = children.Where(child => PartOf(child) == UpgradePart.Failed).Select(child => child.State!.Failure ?? Unsaid(child)).FirstOrDefault(),
        };
    }

    private static UpgradeRank RankOf(CacheSnapshot snapshot, CachedRecord<HostSpec> host) =>
        snapshot.Get(Keys.Leader, "")?.Record.Host == host.Id ? UpgradeRank.Leader
        : host.Record.Witness ? UpgradeRank.Witness
        : snapshot.Get(Keys.Hosts.Voter, host.Id)?.Record is { Member: not null } ? UpgradeRank.Voter
        : UpgradeRank.Client;

    private static UpgradePart PartOf(Operation? child) => child?.State?.Phase switch
    {
        null when child is null => UpgradePart.None,
        OperationPhase.Succeeded => UpgradePart.Done,
        OperationPhase.Failed or OperationPhase.Cancelled => UpgradePart.Failed,
        _ => UpgradePart.Open,
    };

    private static Failure Unsaid(Operation child) => new() { Code = "upgrade.stepFailed", Message = $"{child.Request.Kind} did not succeed." };
}
