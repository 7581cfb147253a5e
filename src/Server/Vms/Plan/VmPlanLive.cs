using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Engine.Qmp;

namespace Lamina.Server.Vms.Plan;

/// <summary>
/// The plan for changes of a VM that runs: one at a time, each until it is done or refused; what is refused is tried again only for a new
/// wish, or when the guest has moved of its own accord. An operation ends once nothing of what it asked for is left to try.
/// </summary>
internal static class VmPlanLive
{
    /// <summary>Null: there is nothing to change, or it is not the time.</summary>
    public static VmStep? Next(VmMoment moment, VmProcess process)
    {
        bool mayAct = process.State is not null and not RunState.PreLaunch and not RunState.InMigrate && moment.Seen.HostStop is null
            && moment.Seen.Status is { Job: null, State: VmState.Running or VmState.Paused };
        foreach (var order in moment.Wanted.Changes.Where(order => order.CancelRequested)) return new VmStep.EndChange(order.Operation, Cancelled(moment));
        if (!mayAct) return null;
        if (Due(moment) is { } due) return new VmStep.Change(due.Change!, IsForced(moment, due));
        if (moment.Seen.Strays.Count > 0 && moment.Seen.Failure?.Step is not VmStep.ReleaseDisks) return new VmStep.ReleaseDisks(moment.Seen.Strays);
        // What waits is on record before the operation ends: who looks then sees it.
        if (!moment.Seen.Status!.Pending.SequenceEqual(Pending(moment.Seen))) return null;
        return moment.Wanted.Changes is [var first, ..] ? new VmStep.EndChange(first.Operation, Outcome(moment, first)) : null;
    }

    /// <summary>What waits, as the status shows it.</summary>
    public static IReadOnlyList<PendingChange> Pending(VmSeen seen) =>
    [
        .. seen.Differences
            .Select(difference => (difference.Path, Reason: difference.Reason ?? DeclinedOf(seen, difference)?.Message))
            .Where(pending => pending.Reason is not null)
            .Select(pending => new PendingChange { Path = pending.Path, Reason = pending.Reason! }),
    ];

    private static VmDifference? Due(VmMoment moment) =>
        moment.Seen.Differences.FirstOrDefault(difference => difference.Change is { } change && (!moment.Seen.Declined.ContainsKey(change) || IsForcedAnew(moment, difference)));

    /// <summary>A refusal of a polite try is no answer to force.</summary>
    private static bool IsForcedAnew(VmMoment moment, VmDifference difference) =>
        IsForced(moment, difference) && moment.Seen.Declined.GetValueOrDefault(difference.Change!)?.Code == VmFailures.GuestDeclinedCode;

    private static bool IsForced(VmMoment moment, VmDifference difference) =>
        difference.Change!.Kind == VmLiveKind.ChangeMedium && moment.Wanted.Changes.Any(order => order.Force && Concerns(order, difference));

    private static Failure? DeclinedOf(VmSeen seen, VmDifference difference) => difference.Change is { } change ? seen.Declined.GetValueOrDefault(change) : null;

    private static bool Concerns(ChangeOrder order, VmDifference difference) =>
        order.Paths.Any(path => difference.Path == path || difference.Path.StartsWith(path + ".", StringComparison.Ordinal) || path.StartsWith(difference.Path + ".", StringComparison.Ordinal));

    private static ChangeOutcome Outcome(VmMoment moment, ChangeOrder order)
    {
        var left = moment.Seen.Differences.Where(difference => Concerns(order, difference)).ToList();
        if (left.Select(difference => DeclinedOf(moment.Seen, difference)).FirstOrDefault(failure => failure is not null) is { } declined)
            return new ChangeOutcome(OperationPhase.Failed, declined, null);
        var pending = Pending(moment.Seen with { Differences = left });
        if (pending.Count == 0) return new ChangeOutcome(OperationPhase.Succeeded, null, null);
        var list = new JsonArray([.. pending.Select(change => (JsonNode)new JsonObject { ["path"] = change.Path, ["reason"] = change.Reason })]);
        return new ChangeOutcome(OperationPhase.Succeeded, null, new JsonObject { ["pendingRestart"] = list });
    }

    private static ChangeOutcome Cancelled(VmMoment moment) => new(OperationPhase.Cancelled, new Failure
    {
        Code = "operation.cancelled",
        Message = "It was cancelled: nobody waits for it any more. The change itself stays wanted.",
        Remedy = $"See what waits (lamina vm show {moment.Name}), and change it back if it is not wanted.",
    }, null);
}
