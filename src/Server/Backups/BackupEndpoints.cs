using System.Net;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Backups;

/// <summary><c>POST /v1/backups</c>: the daemon's state in one file, as the answer. Restoring is root's, while the daemon does not run.</summary>
internal sealed class BackupEndpoints(Instance instance, TimeProvider time)
{
    public void Map(ApiRoutes api) => api
        .Raw(HttpMethods.Post, "/v1/backups", Permission.Administer, "Gives a backup of the daemon's state; it holds all of its secrets", WriteAsync)
        .AnswersMedia(Archive.MediaType).InstallationWide();

    private async Task WriteAsync(ApiRequest request)
    {
        // Written to the audit before the first byte leaves.
        await request.CommitAsync(new StoreChange("backup.create"), ApiAnswer.NoContent() with { Status = StatusCodes.Status200OK }, new ObjectReference { Kind = "backup", Id = "state" });
        request.Http.Response.ContentType = Archive.MediaType;
        request.Http.Response.Headers.CacheControl = "no-store";
        var description = new BackupDescription { Version = BuildInformation.Version, Host = Dns.GetHostName(), CreatedAt = time.GetUtcNow() };
        await StateArchive.WriteAsync(instance, description, request.Http.Response.Body, request.Aborted);
    }
}
