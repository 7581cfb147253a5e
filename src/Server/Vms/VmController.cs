using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Operations;
using Lamina.Server.Placement;
using Lamina.Server.Store;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Vms;

/// <summary>
/// The cluster's side of VMs: gives each new VM a host, by one commit of the assignment, and removes one that is deleted before it had a host.
/// Nothing is placed anew because a host is silent.
/// </summary>
internal sealed class VmController(IStore store, Term term, Cache cache, OperationRuns operations, EventLog events, TimeProvider time, ILogger<VmController> logger)
{
    /// <summary>Until a VM of a store that was recovered is looked at again.</summary>
    private static readonly TimeSpan RecoveryPause = TimeSpan.FromSeconds(2);

    private readonly PlacementBoard _board = new();

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await using var loop = new ControllerLoop("vm controller", ReconcileAsync, time, logger);
        using var subscription = cache.Subscribe([.. PlacementBoard.Kinds, Keys.Operations.Request]);
        _board.Reset(subscription.Start);
        await Task.WhenAll(
            loop.RunAsync(cancellationToken),
            loop.FollowAsync(subscription, KeyOf, snapshot => snapshot.All(Keys.Vms.Spec).Select(vm => vm.Id), cancellationToken, _board.See));
    }

    /// <summary>Only what the controller acts on: the spec, and a start of one that has no place.</summary>
    private static string? KeyOf(CacheChange change)
    {
        if (change.Is(Keys.Operations.Request, out _, out var request)) return request?.Record.Target is { Kind: "vm" } target ? target.Id : null;
        return change.Is(Keys.Vms.Spec, out _, out var spec) && spec is not null ? change.Id : null;
    }

    private async Task<Reconciled> ReconcileAsync(string id, CancellationToken cancellationToken)
    {
        var snapshot = cache.Snapshot;
        if (snapshot.Get(Keys.Vms.Spec, id) is not { } spec) return Reconciled.Done;
        if (RecoveryHold.IsUnruled(snapshot, id)) return Reconciled.After(RecoveryPause);
        var assignment = snapshot.Get(Keys.Vms.Assignment, id);
        if (assignment is not null) return Reconciled.Done;
        return spec.Record.Deleting is not null ? await RemoveAsync(spec, snapshot, cancellationToken) : await PlaceAsync(spec, snapshot, cancellationToken);
    }

    private async Task<Reconciled> PlaceAsync(CachedRecord<VmSpec> spec, CacheSnapshot snapshot, CancellationToken cancellationToken)
    {
        var verdict = _board.Place(snapshot, spec);
        if (verdict.Host is not { } chosen)
        {
            await RefuseAsync(spec.Record.Power.Request, verdict.Refusal!, cancellationToken);
            return Reconciled.Done;
        }

        var assigned = new VmAssignment { Host = chosen, Epoch = 1, Cause = AssignmentCause.Placed, Why = verdict.Why };
        var change = new StoreChange("vm.assign").During(term).RequireExists(Keys.Vms.Spec[spec.Id]).Create(Keys.Vms.Assignment, spec.Id, assigned);
        VmHomes.Choose(change, snapshot, spec, chosen);
        var result = await CommitPlaceAsync(change, spec.Id, cancellationToken);
        if (!result.Succeeded) await cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(2), cancellationToken);
        return Reconciled.Done;
    }

    private async Task<CommitResult> CommitPlaceAsync(StoreChange change, string vmId, CancellationToken cancellationToken)
    {
        bool isDone = false;
        try
        {
            var result = (await change.CommitAsync(store, time, cancellationToken)).EnsureTerm();
            isDone = result.Succeeded;
            return result;
        }
        finally
        {
            if (!isDone) _board.TakeBack(cache.Snapshot, vmId);
        }
    }

    /// <summary>Nobody can take the VM: its operation ends with the reason, and the next start tries again.</summary>
    private async Task RefuseAsync(string? request, Failure refusal, CancellationToken cancellationToken)
    {
        if (request is null || operations.Begin(request) is not { } run) return;
        await using (run) await run.EndAsync(OperationOutcome.Failed(refusal), null, cancellationToken);
    }

    private bool IsLost(string operation)
    {
        var snapshot = cache.Snapshot;
        return snapshot.Get(Keys.Operations.Request, operation) is null || snapshot.Get(Keys.Operations.State, operation)?.Record.IsEnded() == true;
    }

    private async Task<Reconciled> RemoveAsync(CachedRecord<VmSpec> spec, CacheSnapshot snapshot, CancellationToken cancellationToken)
    {
        var change = VmRecords.Remove(spec, snapshot, events).During(term).RequireAbsent(Keys.Vms.Assignment[spec.Id]);
        if (operations.Begin(spec.Record.Deleting!) is not { } run)
        {
            // Whoever had the VM may not have let go of the operation yet, or the operation is lost: the keys do not wait for the latter.
            if (!IsLost(spec.Record.Deleting!)) return Reconciled.After(TimeSpan.FromMilliseconds(20));
            var removed = (await change.CommitAsync(store, time, cancellationToken)).EnsureTerm();
            return removed.Succeeded ? Reconciled.Done : Reconciled.After(TimeSpan.FromMilliseconds(20));
        }

        await using (run)
        {
            var result = (await run.EndAsync(OperationOutcome.Succeeded, change, cancellationToken)).EnsureTerm();
            if (result.Succeeded) return Reconciled.Done;
            await cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(2), cancellationToken);
            return Reconciled.After(TimeSpan.FromMilliseconds(20));
        }
    }
}
