using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Hosts;
using Lamina.Server.Migration.Plan;
using Lamina.Server.Operations;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Migration;

/// <summary>
/// The one transaction of a takeover: the word, if it comes with it, the assignment at a higher epoch, the VM's state and what is to be done with it, the end of a hand-over, and who
/// goes on with what the dead host had in hand. It fails when the host lives by then, or anything that the decision stood on has changed.
/// </summary>
internal sealed class TakeoverChange(OperationRequests operations, EventLog events, TimeProvider time)
{
    /// <summary>A transaction has room for 100 writes; what is beyond waits for its host.</summary>
    private const int MostOperations = 40;

    /// <param name="change">Committed by the caller.</param>
    /// <param name="snapshot">What the decision was made from.</param>
    /// <param name="vm">The VM.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="decision">Without blockers.</param>
    public Operation Prepare(StoreChange change, CacheSnapshot snapshot, CachedRecord<VmSpec> vm, TakeoverRequest request, TakeoverDecision decision)
    {
        var known = HostDeaths.Of(snapshot, request.From);
        Prove(change, snapshot, request, known);
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = VmOperations.TakeOver,
            Target = VmViews.ReferenceTo(vm),
            Project = vm.Record.Project,
            RequestedBy = request.RequestedBy,
            Host = decision.Host,
            Parameters = new JsonObject { ["from"] = request.From, ["to"] = decision.Host },
        });
        EndHandover(change, snapshot, vm, request, decision);
        if (decision is { Step: TakeoverStep.Take take, Host: { } host }) Give(change, snapshot, vm, request, decision, new VmAssignment { Host = host, Epoch = take.Epoch, Cause = AssignmentCause.Recovered, Why = decision.Why }, operation.Id);
        else change.Require(Keys.Vms.Assignment[vm.Id], snapshot.Get(Keys.Vms.Assignment, vm.Id)!.ModRevision);
        if (!decision.Starts) End(change, operation.Id, OperationPhase.Succeeded, null, decision.Host);
        events.Add(change, new EventDraft
        {
            Kind = "vm.takenOver",
            Severity = EventSeverity.Warning,
            Message = TakeoverWords.Taken(snapshot, vm.Record.Name, decision, request, known?.Record),
            Target = VmViews.ReferenceTo(vm),
            Project = vm.Record.Project,
            Operation = operation.Id,
            Epoch = (decision.Step as TakeoverStep.Take)?.Epoch,
        });
        return operation;
    }

    private void Prove(StoreChange change, CacheSnapshot snapshot, TakeoverRequest request, CachedRecord<HostDeath>? known)
    {
        if (known is not null)
        {
            HostDeaths.Require(change, snapshot, known);
            return;
        }

        HostDeaths.Say(change, snapshot, request.From, request.RequestedBy, time.GetUtcNow());
        string name = snapshot.HostName(request.From);
        events.Add(change, new EventDraft
        {
            Kind = "host.saidDead",
            Severity = EventSeverity.Warning,
            Message = $"{request.RequestedBy} has said that host '{name}' is dead: its VMs may be given to other hosts.",
            Target = new ObjectReference { Kind = "host", Id = request.From, Name = name },
        });
    }

    private void Give(
        StoreChange change, CacheSnapshot snapshot, CachedRecord<VmSpec> vm, TakeoverRequest request, TakeoverDecision decision, VmAssignment next, string operation)
    {
        change.Update(Keys.Vms.Assignment, vm.Id, next, snapshot.Get(Keys.Vms.Assignment, vm.Id)!.ModRevision).RequireExists(Keys.Hosts.Status[next.Host]);
        if (decision.Starts) change.Update(Keys.Vms.Spec, vm.Id, vm.Record with { Power = new VmPower { Wanted = PowerWanted.Running, Request = operation } }, vm.ModRevision);
        else change.Require(Keys.Vms.Spec[vm.Id], vm.ModRevision);
        if (snapshot.Get(Keys.Vms.Status, vm.Id) is { } status) change.Update(Keys.Vms.Status, vm.Id, StatusAt(status.Record, vm.Record, snapshot, next), status.ModRevision);
        else change.RequireAbsent(Keys.Vms.Status[vm.Id]);
        foreach (var open in Open(snapshot, vm.Id, request.From).Where(open => open.Record.Kind != Migrations.Operation).Take(MostOperations))
            change.Update(Keys.Operations.Request, open.Id, open.Record with { Host = next.Host }, open.ModRevision);
    }

    /// <summary>As its new host would find it: without a process. A job that had it goes on there, and looks for what it had done.</summary>
    private VmStatus StatusAt(VmStatus last, VmSpec spec, CacheSnapshot snapshot, VmAssignment next)
    {
        var ended = last.State is VmState.Stopped or VmState.Suspended ? last : VmRestart.Ended(last, StopCause.HostBoot, spec.Restart, time.GetUtcNow());
        return ended with { Host = next.Host, Epoch = next.Epoch, HostBootId = snapshot.Get(Keys.Hosts.Status, next.Host)?.Record.BootId };
    }

    /// <summary>Nobody else can: the side that would is dead, or finds a higher epoch.</summary>
    private void EndHandover(StoreChange change, CacheSnapshot snapshot, CachedRecord<VmSpec> vm, TakeoverRequest request, TakeoverDecision decision)
    {
        if (snapshot.Get(Keys.Vms.Handover, vm.Id) is not { } handover)
        {
            change.RequireAbsent(Keys.Vms.Handover[vm.Id]);
            return;
        }

        change.Delete(Keys.Vms.Handover[vm.Id], handover.ModRevision).Delete(Keys.Vms.HandoverSource[vm.Id]).Delete(Keys.Vms.HandoverTarget[vm.Id]);
        if (snapshot.Get(Keys.Vms.HandoverTarget, vm.Id)?.Record.Secret is { } secret) change.Delete(Keys.Secrets[secret]);
        if (snapshot.Get(Keys.Operations.Request, handover.Record.Operation) is null) return;
        bool moved = decision.Step is TakeoverStep.Settle;
        var failure = moved ? null : new Failure
        {
            Code = "migration.hostDead",
            Message = $"Host '{snapshot.HostName(request.From)}' died in the midst of it, and the VM was taken over.",
            Remedy = $"See: lamina vm show {vm.Record.Name}.",
        };
        End(change, handover.Record.Operation, moved ? OperationPhase.Succeeded : OperationPhase.Failed, failure, null, snapshot);
    }

    private void End(StoreChange change, string operation, OperationPhase phase, Failure? failure, string? host, CacheSnapshot? known = null)
    {
        var before = known?.Get(Keys.Operations.State, operation);
        if (before?.Record.IsEnded() == true) return;
        var now = time.GetUtcNow();
        var ended = (before?.Record ?? new OperationState { Phase = phase, StartedAt = now, Host = host }) with { Phase = phase, EndedAt = now, Cancellable = false, Failure = failure, ProgressPercent = failure is null ? 100 : before?.Record.ProgressPercent };
        if (before is null) change.Create(Keys.Operations.State, operation, ended);
        else change.Update(Keys.Operations.State, operation, ended, before.ModRevision);
    }

    /// <summary>What the dead host had in hand for this VM: its orders, and jobs with its snapshots and disks.</summary>
    private static IEnumerable<CachedRecord<OperationRequest>> Open(CacheSnapshot snapshot, string vmId, string dead) => snapshot.All(Keys.Operations.Request).Where(request =>
        request.Record.Host == dead
        && !(snapshot.Get(Keys.Operations.State, request.Id)?.Record).IsEnded()
        && (request.Record.Target.Id == vmId || (request.Record.Parameters?["vm"] as JsonValue)?.TryGetValue(out string? owner) == true && owner == vmId || snapshot.Get(Keys.Disks.Spec, request.Record.Target.Id)?.Record.Vm == vmId));
}
