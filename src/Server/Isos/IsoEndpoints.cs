using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Images;
using Lamina.Server.Operations;
using Lamina.Server.Pools;

namespace Lamina.Server.Isos;

/// <summary><c>/v1/isos</c>: media that a VM reads as they are.</summary>
internal sealed class IsoEndpoints(OperationRequests operations, UploadLookup uploads, TimeProvider time)
{
    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Iso>(
        "isos", [Keys.Isos.Spec, Keys.Isos.Status], (snapshot, id) => snapshot.Get(Keys.Isos.Spec, id) is { } spec ? View(snapshot, spec) : null, iso => iso.Project, ApiJson.Default.Iso);

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/isos", Permission.View, "Lists ISOs, floppies, kernels and initial RAM disks", List).Paged().Filtered("name").Answers(ApiJson.Default.PageIso);
        api.Get("/v1/isos/{iso}", Permission.View, "Shows a medium", Show).Answers(ApiJson.Default.Iso).Problems("iso.notFound");
        api.Post("/v1/isos", Permission.Operate, "Takes over a finished upload", CreateAsync)
            .OnHost(UploadLookup.HostOfBodyAsync).Takes(ApiJson.Default.IsoCreate).Begins().Idempotent().Problems("name.taken", "upload.unfinished");
        api.Delete("/v1/isos/{iso}", Permission.Operate, "Deletes a medium that no VM uses", DeleteAsync)
            .Begins().Idempotent().Problems("iso.notFound", "iso.inUse", "iso.busy");
    }

    /// <summary>A medium with its status, as the API shows it.</summary>
    public static Iso View(CacheSnapshot snapshot, CachedRecord<IsoSpec> spec) => new()
    {
        Id = spec.Id,
        Name = spec.Record.Name,
        Project = spec.Record.Project,
        Spec = spec.Record,
        Status = snapshot.Get(Keys.Isos.Status, spec.Id)?.Record,
    };

    private static ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.Isos.Spec)
            .Where(spec => request.Shows(spec.Record.Project) && request.Passes("name", spec.Record.Name))
            .Select(spec => View(request.Snapshot, spec));
        return ApiAnswer.Ok(request.Page.Cut(all, iso => $"{iso.Name} {iso.Id}"), ApiJson.Default.PageIso);
    }

    private static ApiAnswer Show(ApiRequest request)
    {
        var spec = request.Snapshot.Find(Keys.Isos.Spec, "iso", request.Project, request.Route("iso"));
        return ApiAnswer.Ok(View(request.Snapshot, spec), ApiJson.Default.Iso, spec);
    }

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.IsoCreate);
        var project = request.ProjectFor(body.Project);
        var problems = new InputProblems();
        IsoRules.Check(body, problems);
        var upload = uploads.Find(request.Snapshot, project, body.Upload, problems);
        var pool = UploadLookup.PoolOf(request, body.Pool, upload?.Record.Pool, problems);
        if (upload is not null && pool is not null) IsoRules.CheckPool(pool.Id, upload.Record.Pool, problems);
        problems.ThrowIfAny();

        var target = new ObjectReference { Kind = "iso", Id = Guid.CreateVersion7().ToString(), Name = body.Name };
        var change = new StoreChange("iso.create");
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = HostIsos.Create,
            Target = target,
            Project = project,
            RequestedBy = request.Caller.Subject,
            Host = PoolHosts.ExecutorOf(request.Snapshot, pool!, request.HostId),
            Parameters = new JsonObject { [HostImages.UploadParameter] = upload!.Id, [HostImages.Sha256Parameter] = body.Sha256 },
        });
        change.Create(Keys.Names, Keys.NameId(project, "iso", body.Name), new Claim { Owner = target.Id });
        change.Create(Keys.Isos.Spec, target.Id, new IsoSpec
        {
            Name = body.Name,
            Project = project,
            CreatedAt = time.GetUtcNow(),
            Pool = pool!.Id,
            Kind = body.Kind ?? IsoKind.Iso,
            Making = operation.Id,
        });
        change.Require(Keys.Pools.Spec[pool.Id], pool.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    private async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var snapshot = request.Snapshot;
        var spec = snapshot.Find(Keys.Isos.Spec, "iso", request.Project, request.Route("iso"));
        request.RequireMatch(spec);
        if (snapshot.Get(Keys.Isos.Status, spec.Id) is null)
            throw ProblemException.Conflict("iso.busy", $"Medium {spec.Record.Name} is still being taken over.", $"Cancel that instead: lamina operation cancel {spec.Record.Making}");
        if (spec.Record.Deleting is not null)
            throw ProblemException.Conflict("iso.busy", $"Medium {spec.Record.Name} is being deleted already.", $"Follow it: lamina operation show {spec.Record.Deleting}");
        var users = IsoRules.UsersOf(spec.Id, snapshot.All(Keys.Vms.Spec).Select(vm => vm.Record));
        if (IsoRules.RefuseDelete(spec.Record.Name, users) is { } refusal) throw refusal;

        var target = new ObjectReference { Kind = "iso", Id = spec.Id, Name = spec.Record.Name };
        var change = new StoreChange("iso.deleting");
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = HostIsos.Delete,
            Target = target,
            Project = spec.Record.Project,
            RequestedBy = request.Caller.Subject,
            Host = request.Snapshot.Get(Keys.Pools.Spec, spec.Record.Pool) is { } pool ? PoolHosts.ExecutorOf(request.Snapshot, pool, request.HostId) : null,
        });
        change.Update(Keys.Isos.Spec, spec.Id, spec.Record with { Deleting = operation.Id }, spec.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }
}
