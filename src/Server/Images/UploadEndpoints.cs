using System.Globalization;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Pools;
using Microsoft.AspNetCore.Http.Features;

namespace Lamina.Server.Images;

/// <summary><c>/v1/uploads</c>: room is reserved, then the bytes come in as many requests as the line needs.</summary>
internal sealed class UploadEndpoints(HostPools pools, HostUploads files, TimeProvider time)
{
    private const string OffsetHeader = "Upload-Offset";
    private const string LengthHeader = "Upload-Length";

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/uploads", Permission.Operate, "Lists uploads", List).Paged().Answers(ApiJson.Default.PageUpload);
        api.Post("/v1/uploads", Permission.Operate, "Reserves room for a file", CreateAsync)
            .OnHost(UploadLookup.HostOfBodyAsync).Takes(ApiJson.Default.UploadCreate).Answers(ApiJson.Default.Upload, StatusCodes.Status201Created)
            .Idempotent((request, id) => ApiAnswer.Ok(View(Find(request, id)), ApiJson.Default.Upload)).Problems(PoolAccounting.PoolFull);
        api.Get("/v1/uploads/{upload}", Permission.Operate, "Shows an upload", Show).OnHost(HostOf).Answers(ApiJson.Default.Upload).Problems("upload.notFound");
        api.Raw(HttpMethods.Head, "/v1/uploads/{upload}", Permission.Operate, "Tells in Upload-Offset how much has come", HeadAsync).OnHost(HostOf).AnswersNothing();
        api.Raw(HttpMethods.Patch, "/v1/uploads/{upload}", Permission.Operate, "Appends bytes at Upload-Offset", AppendAsync)
            .OnHost(HostOf).TakesBytes("application/offset+octet-stream").AnswersNothing().Problems("upload.notFound", "upload.offset", "upload.busy", "upload.tooLong", PoolAccounting.PoolFull);
        api.Delete("/v1/uploads/{upload}", Permission.Operate, "Gives an upload up", DeleteAsync).OnHost(HostOf).AnswersNothing().Problems("upload.notFound");
    }

    private static string? HostOf(ApiRequest request) => UploadLookup.HostOf(request.Snapshot, request.Route("upload"));

    private ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.Uploads).Where(upload => request.Shows(upload.Record.Project)).Select(View);
        return ApiAnswer.Ok(request.Page.Cut(all, upload => upload.Id), ApiJson.Default.PageUpload);
    }

    private ApiAnswer Show(ApiRequest request) => ApiAnswer.Ok(View(Find(request, request.Route("upload"))), ApiJson.Default.Upload);

    private async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.UploadCreate);
        var project = request.ProjectFor(body.Project);
        var problems = new InputProblems();
        ImageRules.Check(body, problems);
        var pool = UploadLookup.PoolOf(request, body.Pool, null, problems);
        problems.ThrowIfAny();

        var id = Guid.CreateVersion7().ToString();
        var spec = new UploadSpec { Project = project, Pool = pool!.Id, Host = pool.Record.Scope == PoolScope.Shared ? request.HostId : null, SizeBytes = body.SizeBytes, CreatedAt = time.GetUtcNow() };
        if (pools.TryReserve(pool.Id, id, "the upload", body.SizeBytes) is { } full) throw HostPools.ProblemOf(full);
        try
        {
            var change = new StoreChange("upload.create").Create(Keys.Uploads, id, spec);
            var upload = new Upload { Id = id, Project = project, Pool = pool.Id, SizeBytes = spec.SizeBytes, OffsetBytes = 0, CreatedAt = spec.CreatedAt };
            var answer = ApiAnswer.Created(upload, ApiJson.Default.Upload, ApiPaths.Of("uploads", id, project));
            return await request.CommitAsync(change, answer, new ObjectReference { Kind = "upload", Id = id });
        }
        catch
        {
            pools.Release(id);
            throw;
        }
    }

    private Task HeadAsync(ApiRequest request)
    {
        var upload = Find(request, request.Route("upload"));
        Tell(request.Http.Response, files.OffsetOf(upload.Id, upload.Record), upload.Record.SizeBytes);
        return Task.CompletedTask;
    }

    private async Task AppendAsync(ApiRequest request)
    {
        var upload = Find(request, request.Route("upload"));
        var offset = long.TryParse(request.Http.Request.Headers[OffsetHeader].ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var given)
            ? given
            : throw new InputException([new InputProblem { Path = OffsetHeader, Code = "upload.offsetMissing", Message = $"The header {OffsetHeader} says at which byte this request goes on." }]);
        // The server's own limit is for small bodies; here the announced size is the bound.
        if (request.Http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit) limit.MaxRequestBodySize = null;
        var reached = await files.AppendAsync(upload.Id, upload.Record, offset, request.Http.Request.Body, request.Aborted);
        Tell(request.Http.Response, reached, upload.Record.SizeBytes);
    }

    private async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var upload = Find(request, request.Route("upload"));
        var change = new StoreChange("upload.delete").Delete(Keys.Uploads[upload.Id], upload.ModRevision);
        var answer = await request.CommitAsync(change, ApiAnswer.NoContent(), new ObjectReference { Kind = "upload", Id = upload.Id });
        files.Delete(upload.Id, upload.Record.Pool);
        return answer;
    }

    /// <summary>An upload has no name; whoever may use the project of an id may use it.</summary>
    private static CachedRecord<UploadSpec> Find(ApiRequest request, string id)
    {
        if (request.Snapshot.Get(Keys.Uploads, id) is not { } upload || !request.Caller.May(request.Endpoint.Permission, upload.Record.Project))
            throw new ProblemException(ProblemKind.NotFound, "upload.notFound", $"There is no upload {id}.", "It was finished and taken over, deleted, or swept after a day: begin a new one.");
        return upload;
    }

    private Upload View(CachedRecord<UploadSpec> upload) => new()
    {
        Id = upload.Id,
        Project = upload.Record.Project,
        Pool = upload.Record.Pool,
        SizeBytes = upload.Record.SizeBytes,
        OffsetBytes = files.IsMine(upload.Record) ? files.OffsetOf(upload.Id, upload.Record) : 0,
        Host = upload.Record.Host,
        CreatedAt = upload.Record.CreatedAt,
    };

    private static void Tell(HttpResponse response, long offset, long length)
    {
        response.StatusCode = StatusCodes.Status204NoContent;
        response.Headers[OffsetHeader] = offset.ToString(CultureInfo.InvariantCulture);
        response.Headers[LengthHeader] = length.ToString(CultureInfo.InvariantCulture);
        response.Headers.CacheControl = "no-store";
    }
}
