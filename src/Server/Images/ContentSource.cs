using System.Net;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Lamina.Server.Pools;

namespace Lamina.Server.Images;

/// <summary>
/// Where contents come from: a pool of this host, or the host that has the pool, over <c>/peer/v1/content/{folder}/{id}</c>, which this also answers to others.
/// </summary>
internal sealed class ContentSource(Cache cache, HostPools pools, PeerDirectory peers)
{
    private const string Pattern = "/peer/v1/content/{folder}/{id}";
    private const string DigestPart = "/sha256";

    /// <summary>Contents never change, and reading them takes a while.</summary>
    private readonly SharedWork<string> _digests = new(keepsResults: true);

    /// <exception cref="ProblemException">It is not there, or its host is not reached.</exception>
    public async Task<ContentStream> OpenAsync(ContentKind kind, string id, string name, string poolId, CancellationToken cancellation)
    {
        if (PoolHosts.Reaches(cache.Snapshot, poolId, pools.HostId))
        {
            var file = OpenHere(kind, id, poolId);
            return new ContentStream(file, file.Length, _ => DigestAsync(kind, id, poolId), null);
        }

        string host = HostOf(poolId) ?? throw Away(kind, name, "no host reaches its pool", null);
        if (peers.Find(host) is not { } peer) throw Away(kind, name, $"host '{cache.Snapshot.HostName(host)}' is not reached", null);
        string path = Pattern.Replace("{folder}", kind.Folder, StringComparison.Ordinal).Replace("{id}", id, StringComparison.Ordinal);
        var answer = await AskAsync(peer, path, kind, name, host, cancellation);
        var body = await answer.Content.ReadAsStreamAsync(cancellation);
        return new ContentStream(body, answer.Content.Headers.ContentLength ?? 0, token => ReadDigestAsync(peer, path + DigestPart, kind, name, host, token), answer);
    }

    public void Map(PeerRoutes routes)
    {
        routes.Get(Pattern, WriteAsync);
        routes.Get(Pattern + DigestPart, WriteDigestAsync);
    }

    private async Task WriteAsync(PeerRequest request)
    {
        var (kind, id, pool) = Find(request);
        await using var file = OpenHere(kind, id, pool);
        request.Http.Response.ContentType = "application/octet-stream";
        request.Http.Response.ContentLength = file.Length;
        await file.CopyToAsync(request.Http.Response.Body, request.Aborted);
    }

    private async Task WriteDigestAsync(PeerRequest request)
    {
        var (kind, id, pool) = Find(request);
        string digest = await DigestAsync(kind, id, pool).WaitAsync(request.Aborted);
        request.Http.Response.ContentType = "text/plain";
        await request.Http.Response.WriteAsync(digest, request.Aborted);
    }

    private (ContentKind Kind, string Id, string Pool) Find(PeerRequest request)
    {
        string id = request.Route("id");
        var kind = ContentKind.All.FirstOrDefault(kind => kind.Folder == request.Route("folder"));
        if (kind?.PoolOf(cache.Snapshot, id) is not { } found) throw new ProblemException(ProblemKind.NotFound, "content.notFound", $"There is no content {id} here.", "Try again.");
        return (kind, id, found.Pool);
    }

    private FileStream OpenHere(ContentKind kind, string id, string poolId)
    {
        var pool = pools.PathsOf(poolId);
        using var root = RootedDirectory.Open(pool.Root);
        try
        {
            return new FileStream(root.OpenFile(Path.GetRelativePath(pool.Root, kind.File(pool, id)), OpenFlags.ReadOnly), FileAccess.Read);
        }
        catch (LinuxException missing) when (missing.ErrorNumber == Errno.NoEntry)
        {
            throw new ProblemException(ProblemKind.Unprocessable, $"{kind.Noun}.missing", $"The file of {kind.Noun} {id} is gone: {missing.Message}", "Bring it back from a copy, or make it anew.", missing);
        }
    }

    private Task<string> DigestAsync(ContentKind kind, string id, string poolId) => _digests.RunAsync($"{kind.Folder}/{id}", async () =>
    {
        await using var file = OpenHere(kind, id, poolId);
        return Convert.ToHexStringLower(await System.Security.Cryptography.SHA256.HashDataAsync(file));
    });

    private async Task<string> ReadDigestAsync(PeerAddress peer, string path, ContentKind kind, string name, string host, CancellationToken cancellation)
    {
        using var answer = await AskAsync(peer, path, kind, name, host, cancellation);
        return await answer.Content.ReadAsStringAsync(cancellation);
    }

    private async Task<HttpResponseMessage> AskAsync(PeerAddress peer, string path, ContentKind kind, string name, string host, CancellationToken cancellation)
    {
        using var message = new HttpRequestMessage(HttpMethod.Get, new Uri(peer.Base, path));
        try
        {
            var answer = await peer.Invoker.SendAsync(message, cancellation);
            if (answer.StatusCode == HttpStatusCode.OK) return answer;
            using (answer) throw Away(kind, name, $"host '{cache.Snapshot.HostName(host)}' answers {(int)answer.StatusCode}", null);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException)
        {
            throw Away(kind, name, $"host '{cache.Snapshot.HostName(host)}' is not reached: {failure.Message}", failure);
        }
    }

    private string? HostOf(string poolId) =>
        cache.Snapshot.Get(Keys.Pools.Spec, poolId) is { } pool ? PoolHosts.ExecutorOf(cache.Snapshot, pool, pools.HostId) : null;


    private static ProblemException Away(ContentKind kind, string name, string why, Exception? cause) => new(
        ProblemKind.Unavailable, $"{kind.Noun}.elsewhere", $"The {kind.Noun} {name} lies on another host, and {why}.", "Try again when that host is there, or use a shared pool.", cause);
}
