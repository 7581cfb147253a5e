using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Operations;

namespace Lamina.Server.Images;

/// <summary><c>/v1/images</c>: what disks are made from.</summary>
internal sealed class ImageEndpoints(OperationRequests operations, UploadLookup uploads, TimeProvider time)
{
    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Image>(
        "images", [Keys.Images.Spec, Keys.Images.Status], (snapshot, id) => snapshot.Get(Keys.Images.Spec, id) is { } spec ? View(snapshot, spec) : null, image => image.Project, ApiJson.Default.Image);

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/images", Permission.View, "Lists images", List).Paged().Filtered("name").Answers(ApiJson.Default.PageImage);
        api.Get("/v1/images/{image}", Permission.View, "Shows an image", Show).Answers(ApiJson.Default.Image).Problems("image.notFound");
        api.Post("/v1/images", Permission.Operate, "Builds an image from a recipe, or imports an upload", CreateAsync)
            .Takes(ApiJson.Default.ImageCreate).Begins().Idempotent().Problems("name.taken", "upload.unfinished");
        api.Delete("/v1/images/{image}", Permission.Operate, "Deletes an image from which no disk is cloned", DeleteAsync)
            .Begins().Idempotent().Problems("image.notFound", "image.inUse", "image.busy");
    }

    /// <summary>An image with its status, as the API shows it.</summary>
    public static Image View(CacheSnapshot snapshot, CachedRecord<ImageSpec> spec) => new()
    {
        Id = spec.Id,
        Name = spec.Record.Name,
        Project = spec.Record.Project,
        Spec = spec.Record,
        Status = snapshot.Get(Keys.Images.Status, spec.Id)?.Record,
    };

    private static ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.Images.Spec)
            .Where(spec => request.Shows(spec.Record.Project) && request.Passes("name", spec.Record.Name))
            .Select(spec => View(request.Snapshot, spec));
        return ApiAnswer.Ok(request.Page.Cut(all, image => $"{image.Name} {image.Id}"), ApiJson.Default.PageImage);
    }

    private static ApiAnswer Show(ApiRequest request)
    {
        var spec = request.Snapshot.Find(Keys.Images.Spec, "image", request.Project, request.Route("image"));
        return ApiAnswer.Ok(View(request.Snapshot, spec), ApiJson.Default.Image, spec);
    }

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.ImageCreate);
        var project = request.ProjectFor(body.Project);
        var problems = new InputProblems();
        ImageRules.Check(body, problems);
        var upload = body.Upload is { } id ? uploads.Find(request.Snapshot, project, id, problems) : null;
        var pool = UploadLookup.PoolOf(request.Snapshot, body.Pool, upload?.Record.Pool, problems);
        problems.ThrowIfAny();

        var target = new ObjectReference { Kind = "image", Id = Guid.CreateVersion7().ToString(), Name = body.Name };
        var change = new StoreChange("image.create");
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = upload is null ? HostImages.Build : HostImages.Import,
            Target = target,
            Project = project,
            RequestedBy = request.Caller.Subject,
            Parameters = upload is null ? null : new JsonObject { [HostImages.UploadParameter] = upload.Id, [HostImages.Sha256Parameter] = body.Sha256 },
        });
        change.Create(Keys.Names, Keys.NameId(project, "image", body.Name), new Claim { Owner = target.Id });
        change.Create(Keys.Images.Spec, target.Id, new ImageSpec
        {
            Name = body.Name,
            Project = project,
            CreatedAt = time.GetUtcNow(),
            Pool = pool!.Id,
            Origin = upload is null ? ImageOrigin.Build : ImageOrigin.Upload,
            Recipe = body.Recipe,
            CloudInit = body.CloudInit ?? true,
            Making = operation.Id,
        });
        change.Require(Keys.Pools.Spec[pool.Id], pool.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    private async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var snapshot = request.Snapshot;
        var spec = snapshot.Find(Keys.Images.Spec, "image", request.Project, request.Route("image"));
        request.RequireMatch(spec);
        if (snapshot.Get(Keys.Images.Status, spec.Id) is null)
            throw ProblemException.Conflict("image.busy", $"Image {spec.Record.Name} is still being made.", $"Cancel that instead: lamina operation cancel {spec.Record.Making}");
        if (spec.Record.Deleting is not null)
            throw ProblemException.Conflict("image.busy", $"Image {spec.Record.Name} is being deleted already.", $"Follow it: lamina operation show {spec.Record.Deleting}");
        var clones = ImageRules.ClonesOf(spec.Id, snapshot.All(Keys.Disks.Spec).Select(disk => disk.Record));
        if (ImageRules.RefuseDelete(spec.Record.Name, clones) is { } refusal) throw refusal;

        var target = new ObjectReference { Kind = "image", Id = spec.Id, Name = spec.Record.Name };
        var change = new StoreChange("image.deleting");
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = HostImages.Delete,
            Target = target,
            Project = spec.Record.Project,
            RequestedBy = request.Caller.Subject,
        });
        change.Update(Keys.Images.Spec, spec.Id, spec.Record with { Deleting = operation.Id }, spec.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }
}
