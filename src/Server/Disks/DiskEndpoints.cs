using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Images;
using Lamina.Server.Operations;
using Lamina.Server.Pools;

namespace Lamina.Server.Disks;

/// <summary><c>/v1/disks</c>: which disks there are, what they may take and what they take. Those of VMs are made with their VMs, others here.</summary>
internal sealed class DiskEndpoints(OperationRequests operations, EventLog events, TimeProvider time)
{
    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Disk>(
        "disks", [Keys.Disks.Spec, Keys.Disks.Status], (snapshot, id) => snapshot.Get(Keys.Disks.Spec, id) is { } spec ? View(snapshot, spec) : null, disk => disk.Project, ApiJson.Default.Disk);

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/disks", Permission.View, "Lists disks", List).Paged().Filtered("name", "vm", "image").Answers(ApiJson.Default.PageDisk);
        api.Get("/v1/disks/{disk}", Permission.View, "Shows a disk", Show).Answers(ApiJson.Default.Disk).Problems("disk.notFound");
        api.Post("/v1/disks", Permission.Operate, "Makes a disk that belongs to no VM", CreateAsync)
            .Takes(ApiJson.Default.DiskCreate).Begins().Idempotent().Problems("name.taken");
        api.Patch("/v1/disks/{disk}", Permission.Operate, "Renames a disk, lets it grow, or changes its notes", UpdateAsync)
            .Takes(ApiJson.Default.DiskUpdate).Answers(ApiJson.Default.Disk).Problems("disk.notFound", "disk.deleting", "name.taken", "etag.mismatch");
        api.Delete("/v1/disks/{disk}", Permission.Operate, "Deletes a disk that belongs to no VM and that no linked clone or snapshot needs", DeleteAsync)
            .Begins().Idempotent().Problems("disk.notFound", "disk.attached", "disk.hasClones", "disk.hasSnapshots", "disk.protected", "disk.busy");
    }

    public static Disk View(CacheSnapshot snapshot, CachedRecord<DiskSpec> spec) => new()
    {
        Id = spec.Id,
        Name = spec.Record.Name,
        Project = spec.Record.Project,
        Spec = spec.Record,
        Status = snapshot.Get(Keys.Disks.Status, spec.Id)?.Record,
    };

    public static ObjectReference ReferenceTo(CachedRecord<DiskSpec> disk) => new() { Kind = "disk", Id = disk.Id, Name = disk.Record.Name };

    /// <summary>It is whole, and nothing is under way with it.</summary>
    /// <exception cref="ProblemException">409 <c>disk.busy</c>.</exception>
    public static void RequireIdle(CacheSnapshot snapshot, CachedRecord<DiskSpec> disk)
    {
        if (disk.Record.Deleting is { } deleting) throw Busy(disk.Record.Name, "is being deleted", deleting);
        if (disk.Record.Making is { } making && snapshot.Get(Keys.Disks.Status, disk.Id) is null) throw Busy(disk.Record.Name, "is still being made", making);
    }

    private static ProblemException Busy(string name, string why, string operation) =>
        ProblemException.Conflict("disk.busy", $"Disk {name} {why}.", $"Follow it: lamina operation show {operation}.");

    private static ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.Disks.Spec)
            .Where(spec => request.Shows(spec.Record.Project)
                && request.Passes("name", spec.Record.Name) && request.Passes("vm", spec.Record.Vm) && request.Passes("image", spec.Record.Image))
            .Select(spec => View(request.Snapshot, spec));
        return ApiAnswer.Ok(request.Page.Cut(all, disk => $"{disk.Name} {disk.Id}"), ApiJson.Default.PageDisk);
    }

    private static ApiAnswer Show(ApiRequest request)
    {
        var spec = Find(request);
        return ApiAnswer.Ok(View(request.Snapshot, spec), ApiJson.Default.Disk, spec);
    }

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.DiskCreate);
        string project = request.ProjectFor(body.Project);
        var problems = new InputProblems();
        var draft = DiskCreation.Resolve(body, project, request.Snapshot, request.HostId, problems);
        problems.ThrowIfAny();
        string id = Guid.CreateVersion7(time.GetUtcNow()).ToString();
        var target = new ObjectReference { Kind = "disk", Id = id, Name = body.Name };
        var change = new StoreChange(HostDiskOperations.Create);
        var operation = operations.Add(change, Draft(request, HostDiskOperations.Create, target, project, draft!.Pool.Id));
        change.Create(Keys.Names, Keys.NameId(project, "disk", body.Name), new Claim { Owner = id })
            .Create(Keys.Disks.Spec, id, draft.Spec with { CreatedAt = time.GetUtcNow(), Making = operation.Id })
            .Require(Keys.Pools.Spec[draft.Pool.Id], draft.Pool.ModRevision);
        if (draft.Image is { } image) change.Require(Keys.Images.Spec[image.Id], image.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    private async ValueTask<ApiAnswer> UpdateAsync(ApiRequest request)
    {
        var disk = Find(request);
        request.RequireMatch(disk);
        RequireIdle(request.Snapshot, disk);
        var known = disk.Record;
        var update = await request.PatchAsync(new DiskUpdate { Name = known.Name, SizeBytes = known.SizeBytes, Notes = known.Notes }, ApiJson.Default.DiskUpdate);
        var problems = new InputProblems();
        DiskCreation.CheckUpdate(known, update, request.Snapshot, problems);
        problems.ThrowIfAny();
        var spec = known with { Name = update.Name ?? known.Name, SizeBytes = update.SizeBytes ?? known.SizeBytes, Notes = update.Notes };
        var target = ReferenceTo(disk);
        var change = new StoreChange("disk.update").Update(Keys.Disks.Spec, disk.Id, spec, disk.ModRevision);
        if (spec.Name != known.Name)
        {
            change.Delete(Keys.Names[Keys.NameId(spec.Project, "disk", known.Name)])
                .Create(Keys.Names, Keys.NameId(spec.Project, "disk", spec.Name), new Claim { Owner = disk.Id });
        }

        string what = spec.Name != known.Name ? $"was renamed to {spec.Name}" : spec.SizeBytes != known.SizeBytes ? $"was given {Sizes.Format(spec.SizeBytes)}" : "was changed";
        events.Add(change, new EventDraft { Kind = "disk.changed", Message = $"Disk {known.Name} {what}.", Target = target, Project = spec.Project });
        var shown = View(request.Snapshot, disk) with { Name = spec.Name, Spec = spec };
        return await request.CommitAsync(change, ApiAnswer.Ok(shown, ApiJson.Default.Disk), target);
    }

    private async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var disk = Find(request);
        request.RequireMatch(disk);
        RequireIdle(request.Snapshot, disk);
        if (DiskUse.RefuseDelete(request.Snapshot, disk) is { } refusal) throw refusal;
        var target = ReferenceTo(disk);
        var change = new StoreChange("disk.deleting");
        var operation = operations.Add(change, Draft(request, HostDiskOperations.Delete, target, disk.Record.Project, disk.Record.Pool));
        change.Update(Keys.Disks.Spec, disk.Id, disk.Record with { Deleting = operation.Id }, disk.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    private static CachedRecord<DiskSpec> Find(ApiRequest request) => request.Snapshot.Find(Keys.Disks.Spec, "disk", request.Project, request.Route("disk"));

    private static OperationDraft Draft(ApiRequest request, string kind, ObjectReference target, string project, string poolId) => new()
    {
        Kind = kind,
        Target = target,
        Project = project,
        RequestedBy = request.Caller.Subject,
        Host = request.Snapshot.Get(Keys.Pools.Spec, poolId) is { } pool ? PoolHosts.ExecutorOf(request.Snapshot, pool, request.HostId) : null,
    };
}
