using System.Net;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Store;

namespace Lamina.Server.Backups;

/// <summary><c>POST /v1/backups</c>: the daemon's state in one file, as the answer. Restoring is root's, while the daemon does not run.</summary>
internal sealed class BackupEndpoints(Instance instance, TimeProvider time)
{
    public void Map(ApiRoutes api) => api
        .Raw(HttpMethods.Post, "/v1/backups", Permission.Administer, "Gives a backup of the daemon's state; it holds all of its secrets", WriteAsync)
        .AnswersMedia(Archive.MediaType).InstallationWide().Problems("backup.inCluster");

    private async Task WriteAsync(ApiRequest request)
    {
        if (RefusalIn(instance) is { } refusal) throw refusal;
        // Written to the audit before the first byte leaves.
        await request.CommitAsync(new StoreChange("backup.create"), ApiAnswer.NoContent() with { Status = StatusCodes.Status200OK }, new ObjectReference { Kind = "backup", Id = "state" });
        request.Http.Response.ContentType = Archive.MediaType;
        request.Http.Response.Headers.CacheControl = "no-store";
        var description = new BackupDescription { Version = BuildInformation.Version, Host = Dns.GetHostName(), CreatedAt = time.GetUtcNow() };
        await StateArchive.WriteAsync(instance, description, request.Http.Response.Body, request.Aborted);
    }

    /// <summary>A member of a cluster has no state of its own; the voters' daemons keep the cluster's, each day.</summary>
    internal static ProblemException? RefusalIn(Instance instance) => StoreFolder.IsEtcd(instance.StoreDirectory)
        ? ProblemException.Conflict(
            "backup.inCluster", "This host is a member of a cluster: its state is the cluster's, and no archive of one host holds it.",
            $"Copy the newest etcd-*.snapshot in {instance.BackupDirectory} of a host that is a voter; 'laminad cluster-recover --snapshot FILE' brings it back.")
        : null;
}
