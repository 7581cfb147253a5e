using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Maintenance;

/// <summary>What has come of asking a host for its end.</summary>
internal sealed record PowerStep(bool IsOver, Failure? Failure = null);

/// <summary>
/// The leader's part of a reboot, after the host was emptied: guests that are left power off, where that was asked for; then the host's own daemon is asked. Each is an
/// operation of that host that names this one, so that the next leader finds it.
/// </summary>
internal sealed class PowerPhase(MaintenanceGround ground, Term term)
{
    private static readonly TimeSpan SeePatience = TimeSpan.FromSeconds(2);

    public async Task<PowerStep> AdvanceAsync(CacheSnapshot snapshot, EvacuationController.View view, OperationRun run, CancellationToken cancellationToken)
    {
        var job = view.Job;
        bool isEmpty = !snapshot.All(Keys.Vms.Assignment).Any(vm => vm.Record.Host == job.Host && EvacuationTargets.Runs(snapshot, vm.Id));
        if (!isEmpty)
        {
            if (!job.StopGuests) return new PowerStep(true, EvacuationWords.Incomplete(job, view.Vms) ?? NotEmpty(job));
            if (Child(snapshot, job, GuestsShutdown.Kind) is not { } stopping) return await AskAsync(job, GuestsShutdown.Kind, [], cancellationToken);
            run.Report(99, "guests that cannot go power off");
            if (!stopping.State.IsEnded()) return new PowerStep(false);
            return new PowerStep(true, stopping.State?.Failure ?? NotEmpty(job));
        }

        if (Child(snapshot, job, HostPowerHand.Kind) is not { } asked)
            return await AskAsync(job, HostPowerHand.Kind, new JsonObject { [HostPowerHand.ActionParameter] = job.Kind }, cancellationToken);
        run.Report(99, "the host is empty, and its daemon is asked");
        if (asked.State is { Phase: OperationPhase.Failed or OperationPhase.Cancelled, Failure: var failure }) return new PowerStep(true, failure);
        return new PowerStep(asked.State?.Steps.Count > 0 || asked.State.IsEnded());
    }

    private async Task<PowerStep> AskAsync(EvacuationJob job, string kind, JsonObject parameters, CancellationToken cancellationToken)
    {
        parameters[HostPowerHand.ForParameter] = job.Operation;
        var change = new StoreChange(kind).During(term);
        ground.Requests.Add(change, new OperationDraft { Kind = kind, Target = job.Target, RequestedBy = job.RequestedBy, Host = job.Host, Parameters = parameters });
        var result = (await change.CommitAsync(ground.Store, ground.Time, cancellationToken)).EnsureTerm();
        await ground.Cache.WaitForRevisionAsync(result.Revision, SeePatience, cancellationToken);
        return new PowerStep(false);
    }

    private static Operation? Child(CacheSnapshot snapshot, EvacuationJob job, string kind) =>
        snapshot.All(Keys.Operations.Request).Where(request => request.Record.Kind == kind && (string?)request.Record.Parameters?[HostPowerHand.ForParameter] == job.Operation)
            .Select(request => OperationViews.Get(snapshot, request.Id)).FirstOrDefault();

    private static Failure NotEmpty(EvacuationJob job) => new()
    {
        Code = "host.guestsRunning",
        Message = $"Guests still run on host '{job.HostName}'.",
        Remedy = "Stop them, or let them be asked to power off: --stop-guests.",
    };
}
