using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Operations;
using Lamina.Server.Vms;

namespace Lamina.Server.Snapshots;

/// <summary><c>/v1/vms/{vm}/snapshots</c>, and <c>/v1/vms/{vm}/suspend</c>.</summary>
internal sealed class SnapshotEndpoints(OperationRequests operations, TimeProvider time)
{
    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Snapshot>(
        "snapshots", [Keys.Snapshots.Spec, Keys.Snapshots.Status, Keys.Vms.Status],
        (snapshot, id) => snapshot.Get(Keys.Snapshots.Spec, id) is { } spec ? View(snapshot, spec) : null, view => view.Project, ApiJson.Default.Snapshot);

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/vms/{vm}/snapshots", Permission.View, "Lists a VM's snapshots", List).Paged().Filtered("name").Answers(ApiJson.Default.PageSnapshot).Problems("vm.notFound");
        api.Get("/v1/vms/{vm}/snapshots/{snapshot}", Permission.View, "Shows a snapshot", Show).Answers(ApiJson.Default.Snapshot).Problems("vm.notFound", "snapshot.notFound");
        api.Post("/v1/vms/{vm}/snapshots", Permission.Operate, "Takes a snapshot of a VM, running or stopped", CreateAsync)
            .Takes(ApiJson.Default.SnapshotCreate).Begins().Idempotent().Problems("vm.notFound", "vm.deleting", "vm.suspended", "name.taken");
        api.Post("/v1/vms/{vm}/snapshots/{snapshot}/restore", Permission.Operate, "Makes a VM what it was at a snapshot", RestoreAsync)
            .Takes(ApiJson.Default.SnapshotRestore, optional: true).Begins().Idempotent()
            .Problems("vm.notFound", "vm.deleting", "snapshot.notFound", "snapshot.notReady", "snapshot.otherDisks", "snapshot.wouldDiscard");
        api.Delete("/v1/vms/{vm}/snapshots/{snapshot}", Permission.Operate, "Deletes a snapshot; its layers are merged in the background", DeleteAsync)
            .Begins().Idempotent().Problems("vm.notFound", "snapshot.notFound", "snapshot.notReady", "snapshot.hasClones");
        api.Post("/v1/vms/{vm}/suspend", Permission.Operate, "Suspends a VM to disk: its memory waits in a file for the next start", SuspendAsync)
            .Begins().Idempotent().Problems("vm.notFound", "vm.deleting", "vm.notRunning", "vm.suspended");
    }

    private static Snapshot View(CacheSnapshot snapshot, CachedRecord<SnapshotSpec> spec) => new()
    {
        Id = spec.Id,
        Name = spec.Record.Name,
        Project = spec.Record.Project,
        Spec = spec.Record,
        Status = snapshot.Get(Keys.Snapshots.Status, spec.Id)?.Record,
        Current = snapshot.Get(Keys.Vms.Status, spec.Record.Vm)?.Record.Snapshot == spec.Id,
    };

    private static ApiAnswer List(ApiRequest request)
    {
        var vm = VmOf(request);
        var all = LayerUse.SnapshotsOf(request.Snapshot, vm.Id).Where(spec => request.Passes("name", spec.Record.Name)).Select(spec => View(request.Snapshot, spec));
        return ApiAnswer.Ok(request.Page.Cut(all, view => $"{view.Name} {view.Id}"), ApiJson.Default.PageSnapshot);
    }

    private static ApiAnswer Show(ApiRequest request)
    {
        var spec = SnapshotOf(request, VmOf(request));
        return ApiAnswer.Ok(View(request.Snapshot, spec), ApiJson.Default.Snapshot, spec);
    }

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var vm = LivingVmOf(request);
        var body = await request.DraftAsync(ApiJson.Default.SnapshotCreate);
        var problems = new InputProblems();
        SnapshotRules.Check(request.Snapshot, vm, body, problems);
        problems.ThrowIfAny();
        if (request.Snapshot.Get(Keys.Vms.Status, vm.Id)?.Record.State == VmState.Suspended) throw Refused(VmFailures.Suspended(vm.Record.Name));

        var now = time.GetUtcNow();
        var target = new ObjectReference { Kind = "snapshot", Id = Guid.CreateVersion7(now).ToString(), Name = body.Name };
        var change = new StoreChange(HostSnapshots.Create);
        var operation = Begin(request, change, HostSnapshots.Create, vm, target);
        change.Create(Keys.Names, Keys.Snapshots.NameId(vm.Record.Project, vm.Id, body.Name), new Claim { Owner = target.Id });
        change.Create(Keys.Snapshots.Spec, target.Id, new SnapshotSpec
        {
            Name = body.Name,
            Project = vm.Record.Project,
            Vm = vm.Id,
            Description = body.Description,
            CreatedAt = now,
            WithMemory = body.WithMemory,
            Quiesce = body.Quiesce,
            Hardware = vm.Record,
            Making = operation.Id,
        });
        change.Require(Keys.Vms.Spec[vm.Id], vm.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    private async ValueTask<ApiAnswer> RestoreAsync(ApiRequest request)
    {
        var vm = LivingVmOf(request);
        var spec = SnapshotOf(request, vm);
        var body = await request.BodyAsync(ApiJson.Default.SnapshotRestore);
        var status = ReadyStatusOf(request, spec);
        SnapshotRules.RequireSameDisks(vm.Record, spec.Record, status);
        if (!body.Discard) throw ProblemException.Conflict(
            "snapshot.wouldDiscard", $"What VM '{vm.Record.Name}' is now would be lost: what its guest has written since its last snapshot{Halted(request, vm)}.",
            "Take a snapshot of it first, or say that it may be lost: --yes.");
        var change = new StoreChange(HostSnapshots.Restore);
        var operation = Begin(request, change, HostSnapshots.Restore, vm, Reference(spec), new JsonObject { [HostSnapshots.StartParameter] = body.Start });
        change.Update(Keys.Vms.Spec, vm.Id, SnapshotRules.WithHardware(vm.Record, spec.Record.Hardware), vm.ModRevision).Require(Keys.Snapshots.Spec[spec.Id], spec.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), operation.Request.Target);
    }

    private async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var vm = LivingVmOf(request);
        var spec = SnapshotOf(request, vm);
        var status = ReadyStatusOf(request, spec);
        if (request.Snapshot.Get(Keys.Vms.Status, vm.Id)?.Record.Memory?.Snapshot == spec.Id) throw ProblemException.Conflict(
            "snapshot.inUse", $"The memory with which VM '{vm.Record.Name}' goes on is that of snapshot '{spec.Record.Name}'.", $"Start the VM first: lamina vm start {vm.Record.Name}.");
        var clones = request.Snapshot.All(Keys.Disks.Spec)
            .Where(disk => disk.Record.Base is { } below && status.Disks.Any(known => (known.Disk, known.Layer) == (below.Disk, below.Layer))).Select(disk => disk.Record.Name).ToList();
        if (clones.Count > 0) throw ProblemException.Conflict(
            "snapshot.hasClones", $"Linked clones stand on snapshot '{spec.Record.Name}': {Images.ImageRules.Listed(clones)}.", "Delete these disks first, or make them whole ones: lamina disk move DISK --pool POOL.");
        var change = new StoreChange(HostSnapshots.Delete);
        var operation = Begin(request, change, HostSnapshots.Delete, vm, Reference(spec), new JsonObject { ["vm"] = vm.Id });
        change.Update(Keys.Snapshots.Spec, spec.Id, spec.Record with { Deleting = operation.Id }, spec.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), operation.Request.Target);
    }

    private async ValueTask<ApiAnswer> SuspendAsync(ApiRequest request)
    {
        var vm = LivingVmOf(request);
        if (request.Snapshot.Get(Keys.Vms.Status, vm.Id)?.Record is not { State: VmState.Running or VmState.Paused } status)
            throw Refused(request.Snapshot.Get(Keys.Vms.Status, vm.Id)?.Record.State == VmState.Suspended
                ? VmFailures.Suspended(vm.Record.Name)
                : VmFailures.NotRunning(vm.Record.Name, "suspended"));
        if (status.State == VmState.Paused && status.PauseCause is not (PauseCause.Request or null))
            throw ProblemException.Conflict("vm.paused", $"VM '{vm.Record.Name}' is held by a fault ({status.PauseCause.ToString()!.ToLowerInvariant()}).", "See to that first.");
        var change = new StoreChange(HostSnapshots.Suspend).Require(Keys.Vms.Spec[vm.Id], vm.ModRevision);
        var operation = Begin(request, change, HostSnapshots.Suspend, vm, VmViews.ReferenceTo(vm));
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), operation.Request.Target);
    }

    private Operation Begin(ApiRequest request, StoreChange change, string kind, CachedRecord<VmSpec> vm, ObjectReference target, JsonObject? parameters = null) =>
        operations.Add(change, new OperationDraft
        {
            Kind = kind,
            Target = target,
            Project = vm.Record.Project,
            RequestedBy = request.Caller.Subject,
            Host = request.Snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record.Host,
            Parameters = parameters,
        });

    private static string Halted(ApiRequest request, CachedRecord<VmSpec> vm) => request.Snapshot.Get(Keys.Vms.Status, vm.Id)?.Record.State switch
    {
        VmState.Stopped or null => "",
        VmState.Suspended => ", and the memory with which it is suspended",
        _ => ", and what runs in it",
    };

    private static CachedRecord<VmSpec> VmOf(ApiRequest request) => request.Snapshot.Find(Keys.Vms.Spec, "vm", request.Project, request.Route("vm"));

    private static CachedRecord<VmSpec> LivingVmOf(ApiRequest request)
    {
        var vm = VmOf(request);
        return vm.Record.Deleting is null ? vm : throw VmFailures.BeingDeleted(vm.Record.Name);
    }

    private static CachedRecord<SnapshotSpec> SnapshotOf(ApiRequest request, CachedRecord<VmSpec> vm)
    {
        string asked = request.Route("snapshot");
        return LayerUse.SnapshotsOf(request.Snapshot, vm.Id).FirstOrDefault(spec => spec.Id == asked || spec.Record.Name == asked)
            ?? throw new ProblemException(ProblemKind.NotFound, "snapshot.notFound", $"VM '{vm.Record.Name}' has no snapshot '{asked}'.", $"List what there is: lamina vm snapshot list {vm.Record.Name}.");
    }

    private static SnapshotStatus ReadyStatusOf(ApiRequest request, CachedRecord<SnapshotSpec> spec) => spec.Record.Deleting is null
        && request.Snapshot.Get(Keys.Snapshots.Status, spec.Id)?.Record is { State: ContentState.Ready } status
            ? status
            : throw ProblemException.Conflict(
                "snapshot.notReady", $"Snapshot '{spec.Record.Name}' is {(spec.Record.Deleting is null ? "still being taken" : "being deleted")}.", "Follow its operation: lamina operation list.");

    private static ObjectReference Reference(CachedRecord<SnapshotSpec> spec) => new() { Kind = "snapshot", Id = spec.Id, Name = spec.Record.Name };

    private static ProblemException Refused(Failure failure) => ProblemException.Conflict(failure.Code, failure.Message, failure.Remedy);
}
