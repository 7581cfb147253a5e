using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Maintenance;
using Lamina.Server.Operations;

namespace Lamina.Server.Upgrades;

/// <summary>Asks hosts for their part: each time one operation that names the upgrade, with its event.</summary>
internal sealed class UpgradeAsks(MaintenanceGround ground, Term term)
{
    /// <returns>Null: nothing was asked, since the host is no more.</returns>
    public async Task<CommitResult?> AskAsync(CacheSnapshot snapshot, UpgradeJob job, UpgradeAct act, UpgradeHost host, CancellationToken cancellationToken)
    {
        if (snapshot.Get(Keys.Hosts.Spec, host.Id) is not { } spec) return null;
        var change = new StoreChange("upgrade.ask").During(term);
        var target = new ObjectReference { Kind = "host", Id = host.Id, Name = host.Name };
        var child = ground.Requests.Add(change, new OperationDraft
        {
            Kind = KindOf(act),
            Target = target,
            RequestedBy = job.RequestedBy,
            Host = act is UpgradeAct.Prepare or UpgradeAct.Switch ? host.Id : null,
            Parameters = act is UpgradeAct.Prepare or UpgradeAct.Switch ? job.ChildParameters() : new JsonObject { [UpgradeJob.ForParameter] = job.Operation, [EvacuationJob.SkipBlockedParameter] = false },
        });
        if (act == UpgradeAct.Empty)
        {
            var maintenance = new HostMaintenance { Since = ground.Time.GetUtcNow(), Reason = $"upgrade to {job.Version}", Operation = child.Id };
            change.Update(Keys.Hosts.Spec, host.Id, spec.Record with { Maintenance = maintenance }, spec.ModRevision);
        }
        else if (act == UpgradeAct.Fill) change.Update(Keys.Hosts.Spec, host.Id, spec.Record with { Maintenance = null }, spec.ModRevision);

        ground.Events.Add(change, new EventDraft { Kind = EventOf(act), Message = UpgradeWords.Why(job, act, host), Target = target, Operation = job.Operation });
        return (await change.CommitAsync(ground.Store, ground.Time, cancellationToken)).EnsureTerm();
    }

    /// <summary>What can be taken back is; the rest ends by itself.</summary>
    public async Task CancelChildrenAsync(CacheSnapshot snapshot, UpgradeJob job, CancellationToken cancellationToken)
    {
        foreach (var child in UpgradeViews.OpenChildren(snapshot, job.Operation).Where(child => !child.Record.CancelRequested))
        {
            var change = new StoreChange("upgrade.cancel").During(term).Update(Keys.Operations.Request, child.Id, child.Record with { CancelRequested = true }, child.ModRevision);
            (await change.CommitAsync(ground.Store, ground.Time, cancellationToken)).EnsureTerm();
        }
    }

    private static string KindOf(UpgradeAct act) => act switch
    {
        UpgradeAct.Prepare => UpgradeJob.PrepareKind,
        UpgradeAct.Empty => EvacuationJob.Enter,
        UpgradeAct.Switch => UpgradeJob.SwitchKind,
        _ => EvacuationJob.Exit,
    };

    private static string EventOf(UpgradeAct act) => act switch
    {
        UpgradeAct.Prepare => "host.upgradePreparing",
        UpgradeAct.Empty => "host.maintenanceEntered",
        UpgradeAct.Switch => "host.upgrading",
        _ => "host.maintenanceEnded",
    };
}
