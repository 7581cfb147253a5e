using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Images.Catalogue;
using Lamina.Server.Operations;
using Lamina.Server.Pools;

namespace Lamina.Server.Images;

/// <summary><c>/v1/images</c>: what disks are made from.</summary>
internal sealed class ImageEndpoints(OperationRequests operations, UploadLookup uploads, ImageCatalogue catalogue, TimeProvider time)
{
    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Image>(
        "images", [Keys.Images.Spec, Keys.Images.Status, Keys.Images.Copies], (snapshot, id) => snapshot.Get(Keys.Images.Spec, id) is { } spec ? View(snapshot, spec) : null, image => image.Project, ApiJson.Default.Image);

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/images", Permission.View, "Lists images", List).Paged().Filtered("name").Answers(ApiJson.Default.PageImage);
        api.Get("/v1/images/{image}", Permission.View, "Shows an image", Show).Answers(ApiJson.Default.Image).Problems("image.notFound");
        api.Get("/v1/image-catalogue", Permission.View, "Lists the public images that can be pulled", ListCatalogue)
            .Paged().Filtered("name").Answers(ApiJson.Default.PageCatalogueImage).Problems("catalogue.invalid");
        api.Post("/v1/images", Permission.Operate, "Builds an image from a recipe, imports an upload, or pulls a publisher's file", CreateAsync)
            .Takes(ApiJson.Default.ImageCreate).Begins().Idempotent().Problems("name.taken", "upload.unfinished", "catalogue.invalid", "image.urlDenied");
        api.Delete("/v1/images/{image}", Permission.Operate, "Deletes an image from which no disk is cloned", DeleteAsync)
            .Begins().Idempotent().Problems("image.notFound", "image.inUse", "image.busy");
    }

    /// <summary>An image with its status, as the API shows it.</summary>
    public static Image View(CacheSnapshot snapshot, CachedRecord<ImageSpec> spec) =>
        View(snapshot, spec, snapshot.All(Keys.Disks.Spec).Count(disk => disk.Record.Image == spec.Id));

    private static Image View(CacheSnapshot snapshot, CachedRecord<ImageSpec> spec, int clones) => new()
    {
        Id = spec.Id,
        Name = spec.Record.Name,
        Project = spec.Record.Project,
        Spec = spec.Record,
        Status = snapshot.Get(Keys.Images.Status, spec.Id)?.Record,
        Copies = [.. ContentCopies.CopiesOf(snapshot, ContentKind.Image, spec.Id)],
        Clones = clones,
    };

    private static ApiAnswer List(ApiRequest request)
    {
        // Counted once for all images, not once for each of them.
        var clones = request.Snapshot.All(Keys.Disks.Spec).CountBy(disk => disk.Record.Image ?? "").ToDictionary(StringComparer.Ordinal);
        var all = request.Snapshot.All(Keys.Images.Spec)
            .Where(spec => request.Shows(spec.Record.Project) && request.Passes("name", spec.Record.Name))
            .Select(spec => View(request.Snapshot, spec, clones.GetValueOrDefault(spec.Id)));
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
        var entry = EntryOf(body, problems);
        var source = SourceOf(request, body, entry, project);
        var pool = UploadLookup.PoolOf(request, body.Pool, upload?.Record.Pool, problems);
        problems.ThrowIfAny();

        var now = time.GetUtcNow();
        string? version = source is null ? null : ImageVersions.Next(request.Snapshot, project, body.Name, now);
        string name = source is null ? body.Name : ImageVersions.NameFor(request.Snapshot, project, body.Name, source, version!);
        var target = new ObjectReference { Kind = "image", Id = Guid.CreateVersion7().ToString(), Name = name };
        var change = new StoreChange("image.create");
        var operation = operations.Add(change, new OperationDraft
        {
            Kind = source is not null ? HostImages.Pull : upload is not null ? HostImages.Import : HostImages.Build,
            Target = target,
            Project = project,
            RequestedBy = request.Caller.Subject,
            Host = PoolHosts.ExecutorOf(request.Snapshot, pool!, request.HostId),
            Parameters = upload is null ? null : new JsonObject { [HostImages.UploadParameter] = upload.Id, [HostImages.Sha256Parameter] = body.Sha256 },
        });
        change.Create(Keys.Names, Keys.NameId(project, "image", name), new Claim { Owner = target.Id });
        change.Create(Keys.Images.Spec, target.Id, new ImageSpec
        {
            Name = name,
            Project = project,
            CreatedAt = now,
            Pool = pool!.Id,
            Origin = source is not null ? ImageOrigin.Pull : upload is not null ? ImageOrigin.Upload : ImageOrigin.Build,
            Recipe = body.Recipe,
            Source = source,
            Version = version,
            CloudInit = body.CloudInit ?? entry?.CloudInit ?? true,
            Making = operation.Id,
        });
        change.Require(Keys.Pools.Spec[pool.Id], pool.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }

    /// <summary>Null: nothing is pulled from the catalogue, or there is a problem.</summary>
    private CatalogueEntry? EntryOf(ImageCreate body, InputProblems problems)
    {
        if (body.Url is not null || body.Catalogue is not { } name) return null;
        if (catalogue.Find(name) is { } entry) return entry;
        problems.Add("$.catalogue", "catalogue.notFound", $"The catalogue has no image '{Suggestions.Shorten(name)}': 'lamina image catalogue' shows what there is.");
        return null;
    }

    /// <summary>Null: nothing is pulled.</summary>
    private static ImageSource? SourceOf(ApiRequest request, ImageCreate body, CatalogueEntry? entry, string project)
    {
        if (body.Url is not { } url) return entry is null ? null : ImageCatalogue.SourceOf(entry);
        // The daemon asks that address as the host, from within the host's networks.
        request.Caller.Require(Permission.Administer, project);
        return new ImageSource { Url = url, ChecksumsUrl = body.ChecksumsUrl, Sha256 = body.Sha256?.ToLowerInvariant() };
    }

    private ApiAnswer ListCatalogue(ApiRequest request)
    {
        var entries = catalogue.Read().Where(entry => request.Passes("name", entry.Name));
        return ApiAnswer.Ok(request.Page.Cut(entries.Select(entry => View(request, entry)), entry => entry.Name), ApiJson.Default.PageCatalogueImage);
    }

    private static CatalogueImage View(ApiRequest request, CatalogueEntry entry)
    {
        var newest = request.Snapshot.All(Keys.Images.Spec)
            .Where(image => request.Shows(image.Record.Project) && image.Record.Source?.Catalogue == entry.Name && request.Snapshot.Get(Keys.Images.Status, image.Id) is not null)
            .MaxBy(image => image.Record.CreatedAt);
        var source = ImageCatalogue.SourceOf(entry);
        return new CatalogueImage
        {
            Name = entry.Name,
            Title = entry.Title,
            Url = source.Url,
            ChecksumsUrl = source.ChecksumsUrl!,
            OperatingSystem = entry.OperatingSystem,
            CloudInit = entry.CloudInit ?? true,
            Image = newest?.Id,
            Version = newest?.Record.Version,
        };
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
            Host = request.Snapshot.Get(Keys.Pools.Spec, spec.Record.Pool) is { } pool ? PoolHosts.ExecutorOf(request.Snapshot, pool, request.HostId) : null,
        });
        change.Update(Keys.Images.Spec, spec.Id, spec.Record with { Deleting = operation.Id }, spec.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Accepted(operation), target);
    }
}
