using Lamina.Api;

namespace Lamina.Server.Vms.Plan;

/// <summary>The plan for jobs that borrow the VM: the permit first, then the VM; while one is on record nothing else is done.</summary>
internal static class VmPlanJob
{
    /// <summary>Null: no job stands in the way of anything.</summary>
    public static VmStep? Next(VmMoment moment)
    {
        if (moment.Seen.Status?.Job is { } permit)
        {
            if (moment.Wanted.Job?.Operation == permit.Operation) return new VmStep.Lend(permit.Operation);
            // After a restart of the daemon the operation's executor is about to bring the job back: it alone knows what is half done.
            return moment.Wanted.IsJobLost ? moment.Write(moment.Base with { Job = null }) : new VmStep.Rest();
        }

        if (moment.Wanted.Job is not { } job || moment.Order is not null || moment.Wanted.Reset is not null) return null;
        return IsAtRest(moment) ? moment.Write(moment.Base with { Job = new VmJobPermit { Operation = job.Operation, Kind = job.Kind } }) : null;
    }

    private static bool IsAtRest(VmMoment moment) => moment.Seen.Process is null
        ? moment.Seen.Status?.State is VmState.Stopped or VmState.Suspended && moment.Seen.Status.StartDue is null
        : moment.Seen.Status!.State is VmState.Running or VmState.Paused;
}
