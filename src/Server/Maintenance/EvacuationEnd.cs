using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Operations;

namespace Lamina.Server.Maintenance;

/// <summary>What is written when nothing is on its way any more.</summary>
internal sealed class EvacuationEnd(MaintenanceGround ground, Term term)
{
    /// <summary>Departures forgotten in one transaction.</summary>
    private const int Chunk = 50;
    private static readonly TimeSpan SeePatience = TimeSpan.FromSeconds(2);

    private readonly PowerPhase _power = new(ground, term);

    /// <summary>All that could go has gone.</summary>
    public async Task AtRestAsync(CacheSnapshot snapshot, EvacuationController.View view, OperationRun run, CancellationToken cancellationToken)
    {
        var job = view.Job;
        var incomplete = EvacuationWords.Incomplete(job, view.Vms);
        if (job.EndsWithPower)
        {
            var step = await _power.AdvanceAsync(snapshot, view, run, cancellationToken);
            if (!step.IsOver) return;
            incomplete = step.Failure;
        }

        if (job.Kind == EvacuationJob.Exit) await ForgetAsync(snapshot, departure => departure.Home == job.Host, cancellationToken);
        if (job.Kind == EvacuationJob.Evacuate) await ForgetAsync(snapshot, departure => departure.Operation == job.Operation, cancellationToken);
        // A VM that does not come back is no failure of the exit: it runs where it is.
        bool isFailure = incomplete is not null && job.Kind != EvacuationJob.Exit;
        var change = new StoreChange("evacuation.end").During(term);
        int moved = view.Vms.Count(vm => vm.State == EvacueeState.Moved);
        ground.Events.Add(change, new EventDraft
        {
            Kind = job.Kind == EvacuationJob.Exit ? "host.refilled" : isFailure ? "host.notEmptied" : "host.emptied",
            Severity = isFailure ? EventSeverity.Warning : EventSeverity.Information,
            Message = job.Kind == EvacuationJob.Exit ? $"{EvacuationWords.Have(moved)} come back to host '{job.HostName}'.{(incomplete is null ? "" : " " + incomplete.Message)}"
                : isFailure ? incomplete!.Message
                : $"{EvacuationWords.Have(moved)} left host '{job.HostName}'{Rest(view)}",
            Target = job.Target,
            Operation = job.Operation,
        });
        var outcome = isFailure ? new OperationOutcome(OperationPhase.Failed, incomplete, EvacuationWords.Result(view.Vms)) : OperationOutcome.SucceededWith(EvacuationWords.Result(view.Vms));
        (await run.EndAsync(outcome, change, cancellationToken)).EnsureTerm();
    }

    /// <summary>VMs that have gone stay where they are; a host whose entry was cancelled takes VMs again.</summary>
    public async Task CancelledAsync(CacheSnapshot snapshot, EvacuationController.View view, OperationRun run, CancellationToken cancellationToken)
    {
        var job = view.Job;
        bool willReturn = EvacuationJob.Open(snapshot).Any(other => other.Kind == EvacuationJob.Exit && other.Host == job.Host && other.Operation != job.Operation);
        if (!willReturn) await ForgetAsync(snapshot, departure => departure.Operation == job.Operation, cancellationToken);
        var change = new StoreChange("evacuation.cancelled").During(term);
        bool opens = snapshot.Get(Keys.Hosts.Spec, job.Host) is { } host && host.Record.Maintenance?.Operation == job.Operation;
        if (opens) change.Update(Keys.Hosts.Spec, job.Host, snapshot.Get(Keys.Hosts.Spec, job.Host)!.Record with { Maintenance = null }, snapshot.Get(Keys.Hosts.Spec, job.Host)!.ModRevision);
        int moved = view.Vms.Count(vm => vm.State == EvacueeState.Moved);
        ground.Events.Add(change, new EventDraft
        {
            Kind = "host.evacuationCancelled",
            Message = $"Emptying host '{job.HostName}' was given up after {moved} VMs had gone{(willReturn ? "; they come back" : "; they stay where they are")}{(opens ? ", and the host takes VMs again" : "")}.",
            Target = job.Target,
            Operation = job.Operation,
        });
        (await run.EndAsync(OperationOutcome.Cancelled with { Result = EvacuationWords.Result(view.Vms) }, change, cancellationToken)).EnsureTerm();
    }

    private static string Rest(EvacuationController.View view) =>
        view.Vms.Where(vm => vm.State is EvacueeState.Staying or EvacueeState.Blocked).Select(vm => vm.Name).ToList() is { Count: > 0 } rest ? $"; these stay: {EvacuationWords.Listed(rest)}." : ".";

    private async Task ForgetAsync(CacheSnapshot snapshot, Func<VmDeparture, bool> which, CancellationToken cancellationToken)
    {
        foreach (var some in snapshot.All(Keys.Vms.Departure).Where(departure => which(departure.Record)).Chunk(Chunk))
        {
            var change = new StoreChange("evacuation.forget").During(term);
            foreach (var departure in some) change.Delete(Keys.Vms.Departure[departure.Id]);
            var result = (await change.CommitAsync(ground.Store, ground.Time, cancellationToken)).EnsureTerm();
            await ground.Cache.WaitForRevisionAsync(result.Revision, SeePatience, cancellationToken);
        }
    }
}
