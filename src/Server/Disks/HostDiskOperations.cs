using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Images;
using Lamina.Server.Operations;

namespace Lamina.Server.Disks;

/// <summary>Carries out the operations of disks that belong to no VM. Each can be begun again from its start.</summary>
internal sealed class HostDiskOperations(Cache cache, HostDisks disks, EventLog events)
{
    public const string Create = "disk.create";
    public const string Delete = "disk.delete";

    public void Register(OperationExecutor executor)
    {
        executor.Register(Create, CreateAsync, cancellable: true, AfterRestart.Resume);
        executor.Register(Delete, DeleteAsync, cancellable: false, AfterRestart.Resume);
    }

    /// <summary>How a disk is removed whose making failed.</summary>
    public UnmadeKind<DiskSpec, DiskStatus> Unmade => new(
        "disk", Keys.Disks.Spec, Keys.Disks.Status, spec => spec.Making, spec => spec.Name, disks.Delete, disks.IsKept);

    private async Task CreateAsync(OperationRun run, CancellationToken cancellation)
    {
        var disk = Find(run);
        var status = await disks.EnsureAsync(disk.Id, disk.Record, cancellation, run.Report);
        cancellation.ThrowIfCancellationRequested();
        run.SetCancellable(false);
        var change = new StoreChange("disk.ready").RequireExists(Keys.Disks.Spec[disk.Id]);
        if (status is not null) change.Put(Keys.Disks.Status, disk.Id, status);
        events.Add(change, Event(run, disk.Record, "created"));
        await run.EndAsync(OperationOutcome.Succeeded, change, CancellationToken.None);
    }

    /// <summary>The request was committed with <c>spec.deleting</c>: whoever attaches or clones the disk requires its spec unchanged.</summary>
    private async Task DeleteAsync(OperationRun run, CancellationToken cancellation)
    {
        var snapshot = cache.Snapshot;
        if (snapshot.Get(Keys.Disks.Spec, run.Request.Target.Id) is not { } disk) return;
        if (DiskUse.RefuseDelete(snapshot, disk) is { } refusal)
        {
            var back = new StoreChange("disk.keep").Update(Keys.Disks.Spec, disk.Id, disk.Record with { Deleting = null }, disk.ModRevision);
            await run.EndAsync(OperationOutcome.Failed(refusal), back, cancellation);
            return;
        }

        disks.Delete(disk.Id, disk.Record);
        var change = new StoreChange(Delete)
            .DeletePrefix(Keys.Disks.All(disk.Id))
            .Delete(Keys.Names[Keys.NameId(disk.Record.Project, "disk", disk.Record.Name)]);
        events.Add(change, Event(run, disk.Record, "deleted"));
        await run.EndAsync(OperationOutcome.Succeeded, change, cancellation);
    }

    private CachedRecord<DiskSpec> Find(OperationRun run) => cache.Snapshot.Get(Keys.Disks.Spec, run.Request.Target.Id)
        ?? throw new ProblemException(ProblemKind.NotFound, "disk.notFound", $"Disk {run.Request.Target.Name} is gone.", "Ask for it again.");

    private static EventDraft Event(OperationRun run, DiskSpec spec, string verb) => new()
    {
        Kind = $"disk.{verb}",
        Message = $"Disk {spec.Name} was {verb}.",
        Target = run.Request.Target,
        Project = spec.Project,
        Operation = run.Id,
    };
}
