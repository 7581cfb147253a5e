using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Operations;
using Lamina.Server.Snapshots;

namespace Lamina.Server.Copies;

/// <summary>
/// The snapshots that copies of running VMs are made from: taken and deleted by operations of their own, as any snapshot is, so that whatever a crash
/// leaves of them is seen in the VM's list and goes with the copy's next attempt.
/// </summary>
internal sealed class CopyInstants(CopyParts parts)
{
    private const int MostAttempts = 20;

    private readonly OperationRequests _requests = new(parts.Time);

    /// <summary>Takes one, of a quiesced guest where its agent can.</summary>
    /// <returns>Its id, once it is whole.</returns>
    /// <exception cref="ProblemException">In the words of the snapshot's failure.</exception>
    public async Task<string> TakeAsync(OperationRun run, string vmId, CancellationToken cancellation)
    {
        run.Report(null, "taking a snapshot to copy from");
        string id = Guid.CreateVersion7(parts.Time.GetUtcNow()).ToString();
        string name = $"{PrefixOf(run)}-{id[^4..]}";
        string operation = await CommitAsync(change =>
        {
            var snapshot = parts.Cache.Snapshot;
            var vm = snapshot.Get(Keys.Vms.Spec, vmId) ?? throw new ProblemException(ProblemKind.NotFound, "vm.notFound", "The VM that was to be read is gone.");
            var begun = Begin(change, run, HostSnapshots.Create, id, name, vm, null);
            change.Create(Keys.Names, Keys.Snapshots.NameId(vm.Record.Project, vmId, name), new Claim { Owner = id })
                .Create(Keys.Snapshots.Spec, id, new SnapshotSpec
                {
                    Name = name,
                    Project = vm.Record.Project,
                    Vm = vmId,
                    Description = $"for {run.Request.Kind}, operation {run.Id}; it goes by itself",
                    CreatedAt = parts.Time.GetUtcNow(),
                    Hardware = vm.Record,
                    Making = begun,
                })
                .Require(Keys.Vms.Spec[vmId], vm.ModRevision);
            return begun;
        }, HostSnapshots.Create);
        await EndOfAsync(operation, cancellation);
        return id;
    }

    /// <summary>Asks for the deletion of the snapshots of this operation; their layers are merged in the background.</summary>
    public async Task DropAllAsync(OperationRun run, string vmId)
    {
        foreach (var mine in parts.Cache.Snapshot.All(Keys.Snapshots.Spec).Where(spec => spec.Record.Vm == vmId && spec.Record.Name.StartsWith(PrefixOf(run), StringComparison.Ordinal)).ToList())
        {
            if (mine.Record.Deleting is not null || parts.Cache.Snapshot.Get(Keys.Snapshots.Status, mine.Id) is null) continue;
            await CommitAsync(change =>
            {
                if (parts.Cache.Snapshot.Get(Keys.Snapshots.Spec, mine.Id) is not { Record.Deleting: null } now || parts.Cache.Snapshot.Get(Keys.Vms.Spec, vmId) is not { } vm) return null;
                string begun = Begin(change, run, HostSnapshots.Delete, mine.Id, mine.Record.Name, vm, new JsonObject { ["vm"] = vmId });
                change.Update(Keys.Snapshots.Spec, mine.Id, now.Record with { Deleting = begun }, now.ModRevision);
                return begun;
            }, HostSnapshots.Delete);
        }
    }

    private static string PrefixOf(OperationRun run) => $"copy-{run.Id[^12..]}";

    private string Begin(StoreChange change, OperationRun run, string kind, string id, string name, CachedRecord<VmSpec> vm, JsonObject? parameters) => _requests.Add(change, new OperationDraft
    {
        Kind = kind,
        Target = new ObjectReference { Kind = "snapshot", Id = id, Name = name },
        Project = vm.Record.Project,
        RequestedBy = run.Request.RequestedBy,
        Host = parts.Cache.Snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host,
        Parameters = parameters,
    }).Id;

    /// <param name="fill">Gives the operation's id; null: nothing is to be done any more.</param>
    /// <param name="label">Of the commit.</param>
    private async Task<string> CommitAsync(Func<StoreChange, string?> fill, string label)
    {
        for (int attempt = 1; ; attempt++)
        {
            var change = new StoreChange(label);
            if (fill(change) is not { } operation) return "";
            var result = await change.CommitAsync(parts.Store, parts.Time, CancellationToken.None);
            await parts.Cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(5));
            if (result.Succeeded) return operation;
            if (attempt == MostAttempts) throw ProblemException.Conflict("vm.overtaken", "The VM that is to be copied is changed all the time.", "Ask again when it is at rest.");
        }
    }

    private async Task EndOfAsync(string operation, CancellationToken cancellation)
    {
        using var subscription = parts.Cache.Subscribe(Keys.Operations.State);
        if (IsOver(subscription.Start)) return;
        await foreach (var batch in subscription.ReadAllAsync(cancellation))
        {
            if (IsOver(batch.Snapshot)) return;
        }

        bool IsOver(CacheSnapshot snapshot)
        {
            var state = snapshot.Get(Keys.Operations.State, operation)?.Record;
            if (state?.Phase == OperationPhase.Succeeded) return true;
            if (!state.IsEnded()) return false;
            var failure = state!.Failure;
            throw new ProblemException(ProblemKind.Conflict, failure?.Code ?? "snapshot.failed", $"No snapshot could be taken to copy from: {failure?.Message}", failure?.Remedy);
        }
    }
}
