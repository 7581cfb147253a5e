using Lamina.Api;
using Lamina.Engine;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Operations;
using Lamina.Server.Store;
using Lamina.Server.Vms.Plan;

namespace Lamina.Server.Vms.Run;

/// <summary>What one commit of a VM's host says.</summary>
internal sealed record VmReport(string Label, VmStatus Status)
{
    public VmNews? News { get; init; }

    /// <summary>How the operation in hand ends with it; null: it goes on.</summary>
    public OperationOutcome? Outcome { get; init; }

    /// <summary>What else belongs to it.</summary>
    public Action<StoreChange>? Records { get; init; }

    /// <summary>Disks made since the last commit.</summary>
    public IReadOnlyList<MadeDisk> Disks { get; init; } = [];
}

/// <summary>
/// Writes a VM's status: the one key of which this host is the writer. Each commit compares the assignment's revision, this host's incarnation, the
/// store's generation and the status that it follows, so a host that was fenced, or a second daemon with the same identity, cannot write (decision 2).
/// </summary>
internal sealed class VmCommits(VmHost host, string vmId)
{
    /// <param name="report">What to write.</param>
    /// <param name="after">The status it follows; null: none was written yet.</param>
    /// <param name="operation">The operation in hand; it is ended in the same transaction when the report says so.</param>
    /// <param name="cancellationToken">Gives up before the commit.</param>
    /// <returns>What became of it; never throws for reasons of the store.</returns>
    public async Task<VmStepResult> WriteAsync(VmStep step, VmReport report, VmCommitted? after, OperationRun? operation, CancellationToken cancellationToken)
    {
        if (Draft(report, after, operation) is not { } change) return new VmStepResult(step) { StoreAway = true };
        try
        {
            var result = operation is not null && report.Outcome is { } outcome
                ? await operation.EndAsync(outcome, change, cancellationToken)
                : await change.CommitAsync(host.Store, host.Time, cancellationToken);
            return result.Succeeded
                ? new VmStepResult(step) { Committed = new VmCommitted(report.Status, result.Revision) }
                : await OvertakenAsync(step, result);
        }
        catch (StoreOutcomeUnknownException unknown)
        {
            return new VmStepResult(step) { Unsettled = new VmUnsettled(unknown.Transaction, report.Status), StoreAway = true };
        }
        catch (StoreUnavailableException)
        {
            return new VmStepResult(step) { StoreAway = true };
        }
    }

    /// <summary>
    /// Removes all records of the VM and ends its deletion. When nobody knows what became of the transaction, it is sent again by the next look: it then
    /// finds the VM as it was, or none.
    /// </summary>
    /// <param name="operation">The deletion; null: its record is lost, and nobody waits.</param>
    /// <param name="epoch">At which this host has the VM.</param>
    public async Task<VmStepResult> RemoveAsync(VmStep step, OperationRun? operation, long epoch, CancellationToken cancellationToken)
    {
        var snapshot = host.Cache.Snapshot;
        if (snapshot.Get(Keys.Vms.Spec, vmId) is not { } spec || Fence(VmRecords.Remove(spec, snapshot, host.Events), snapshot, epoch) is not { } change)
            return new VmStepResult(step) { StoreAway = true };
        try
        {
            var result = operation is not null
                ? await operation.EndAsync(OperationOutcome.Succeeded, change, cancellationToken)
                : await change.CommitAsync(host.Store, host.Time, cancellationToken);
            if (!result.Succeeded) return await OvertakenAsync(step, result);
            await host.Cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(2), cancellationToken);
            return new VmStepResult(step);
        }
        catch (Exception away) when (away is StoreOutcomeUnknownException or StoreUnavailableException)
        {
            return new VmStepResult(step) { StoreAway = true };
        }
    }

    /// <summary>Sends a transaction of unknown outcome again, which tells what became of it.</summary>
    public async Task<VmStepResult> SettleAsync(VmStep step, VmUnsettled unsettled, CancellationToken cancellationToken)
    {
        try
        {
            var result = await host.Store.CommitAsync(unsettled.Transaction, cancellationToken);
            return result.Succeeded
                ? new VmStepResult(step) { Committed = new VmCommitted(unsettled.Status, result.Revision) }
                : await OvertakenAsync(step, CommitResult.From(unsettled.Transaction, result));
        }
        catch (Exception still) when (still is StoreOutcomeUnknownException or StoreUnavailableException)
        {
            return new VmStepResult(step) { Unsettled = unsettled, StoreAway = true };
        }
    }

    /// <summary>An event alone, for what changes no status.</summary>
    public StoreChange Tell(VmNews news, VmSpec spec, VmStatus status, OperationRun? operation)
    {
        var change = new StoreChange(news.Kind);
        host.Events.Add(change, EventOf(news, spec, status, operation));
        return change;
    }

    /// <summary>A line for the timeline in somebody else's commit.</summary>
    public void AddEvent(StoreChange change, VmNews news, VmSpec spec, VmStatus status, OperationRun? operation) =>
        host.Events.Add(change, EventOf(news, spec, status, operation));

    /// <summary>Confirms that another host has the VM at an epoch above that of a process here, and tells of it; nothing of the VM is written.</summary>
    /// <returns>False: its assignment is another one by now.</returns>
    /// <exception cref="StoreUnavailableException">It is not known.</exception>
    /// <exception cref="StoreOutcomeUnknownException">It is not known.</exception>
    public async Task<bool> ConfirmOutlivedAsync(CachedRecord<VmAssignment> owner, IVm process, CancellationToken cancellationToken)
    {
        var change = new StoreChange("vm.outlived").OfGeneration(host.Generation).Require(Keys.Vms.Assignment[vmId], owner.ModRevision);
        var snapshot = host.Cache.Snapshot;
        string name = snapshot.Get(Keys.Vms.Spec, vmId)?.Record.Name ?? process.Definition.Name;
        host.Events.Add(change, new EventDraft
        {
            Kind = "vm.outlived",
            Severity = EventSeverity.Warning,
            Message = $"VM '{name}' still had a process on host '{host.HostName}' at epoch {process.Epoch}; it belongs to host '{snapshot.HostName(owner.Record.Host)}' at epoch {owner.Record.Epoch}, so that process is ended.",
            Target = new ObjectReference { Kind = "vm", Id = vmId, Name = name },
            Project = snapshot.Get(Keys.Vms.Spec, vmId)?.Record.Project ?? ProjectRecord.DefaultProject,
            Epoch = process.Epoch,
            Run = process.Run,
        });
        var result = await change.CommitAsync(host.Store, host.Time, cancellationToken);
        if (!result.Succeeded) await host.Cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(2), cancellationToken);
        return result.Succeeded;
    }

    /// <summary>The status as the store has it now.</summary>
    public VmCommitted? Read() =>
        host.Cache.Snapshot.Get(Keys.Vms.Status, vmId) is { } known ? new VmCommitted(known.Record, known.ModRevision) : null;

    /// <summary>Null: the VM, its assignment or this host is not on record, so nothing may be written.</summary>
    private StoreChange? Draft(VmReport report, VmCommitted? after, OperationRun? operation)
    {
        var snapshot = host.Cache.Snapshot;
        if (snapshot.Get(Keys.Vms.Spec, vmId) is not { } spec) return null;
        if (Fence(new StoreChange(report.Label).RequireExists(Keys.Vms.Spec[vmId]), snapshot, report.Status.Epoch) is not { } change) return null;
        if (after is null) change.Create(Keys.Vms.Status, vmId, report.Status);
        else change.Update(Keys.Vms.Status, vmId, report.Status, after.Revision);
        foreach (var disk in report.Disks) change.Put(Keys.Disks.Status, disk.Id, disk.Status);
        report.Records?.Invoke(change);
        if (report.News is { } news) host.Events.Add(change, EventOf(news, spec.Record, report.Status, operation));
        return change;
    }

    /// <summary>What each commit stands on; null: the VM is not this daemon's at that epoch.</summary>
    private StoreChange? Fence(StoreChange change, CacheSnapshot snapshot, long epoch)
    {
        if (snapshot.Get(Keys.Vms.Assignment, vmId) is not { } assignment || assignment.Record.Host != host.HostId || assignment.Record.Epoch != epoch) return null;
        if (snapshot.Get(Keys.Hosts.Status, host.HostId) is not { } self || self.Record.Incarnation != host.Incarnation) return null;
        return change.OfGeneration(host.Generation)
            .Require(Keys.Vms.Assignment[vmId], assignment.ModRevision)
            .Require(Keys.Hosts.Status[host.HostId], self.ModRevision);
    }

    private EventDraft EventOf(VmNews news, VmSpec spec, VmStatus status, OperationRun? operation) => new()
    {
        Kind = news.Kind,
        Severity = news.Severity,
        Message = news.Message,
        Target = new ObjectReference { Kind = "vm", Id = vmId, Name = spec.Name },
        Project = spec.Project,
        Operation = operation?.Id,
        Epoch = status.Epoch,
        Run = status.Run,
    };

    /// <summary>Somebody wrote one of the keys that this commit stood on: the next look decides on the newer state.</summary>
    private async Task<VmStepResult> OvertakenAsync(VmStep step, CommitResult refused)
    {
        // The store is another one than at this daemon's start: as good as none, until a new start has looked at it.
        if (refused.ConflictAt(Keys.Generation[""]) is not null) return new VmStepResult(step) { StoreAway = true };
        await host.Cache.WaitForRevisionAsync(refused.Revision, TimeSpan.FromSeconds(2));
        return new VmStepResult(step) { Overtaken = true };
    }
}
