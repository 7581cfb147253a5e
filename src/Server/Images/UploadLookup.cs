using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Pools;

namespace Lamina.Server.Images;

/// <summary>Finds the finished upload and the pool that a request for an image or ISO names.</summary>
internal sealed class UploadLookup(HostUploads files)
{
    /// <summary>The finished upload; null after adding the problem.</summary>
    public CachedRecord<UploadSpec>? Find(CacheSnapshot snapshot, string project, string id, InputProblems problems)
    {
        if (snapshot.Get(Keys.Uploads, id) is not { } upload || upload.Record.Project != project)
        {
            problems.Add("$.upload", "upload.notFound", $"There is no upload “{Suggestions.Shorten(id)}” in project “{project}”: upload the file first.");
            return null;
        }

        var offset = files.OffsetOf(id, upload.Record);
        if (offset == upload.Record.SizeBytes) return upload;
        problems.Add("$.upload", "upload.unfinished", $"The upload has {offset} of {upload.Record.SizeBytes} bytes: send the rest first.");
        return null;
    }

    /// <summary>The pool named, else the upload's, else the default one of this host; null after adding the problem.</summary>
    public static CachedRecord<PoolSpec>? PoolOf(ApiRequest request, string? named, string? uploadPool, InputProblems problems)
    {
        var pool = (named ?? uploadPool) is { } wanted ? request.Snapshot.TryFindInstalled(Keys.Pools.Spec, "pool", wanted) : PoolHosts.DefaultOf(request.Snapshot, request.HostId);
        if (pool is null) problems.Add("$.pool", "pool.notFound", $"There is no pool “{Suggestions.Shorten(named ?? HostPools.DefaultName)}”.");
        return pool;
    }

    /// <summary>Id of the host that has an upload; null: there is none such, which whoever is asked can say.</summary>
    public static string? HostOf(CacheSnapshot snapshot, string id) =>
        snapshot.Get(Keys.Uploads, id)?.Record is { } upload ? upload.Host ?? snapshot.Get(Keys.Pools.Spec, upload.Pool)?.Record.Host : null;

    /// <summary>Id of the host that makes what the body of a request names an upload or a pool for; null: whichever is asked.</summary>
    public static async ValueTask<string?> HostOfBodyAsync(ApiRequest request)
    {
        if (await request.PeekAsync("upload") is { } upload) return HostOf(request.Snapshot, upload);
        return await request.PeekAsync("pool") is { } pool && request.Snapshot.TryFindInstalled(Keys.Pools.Spec, "pool", pool) is { } found
            ? PoolHosts.ExecutorOf(request.Snapshot, found, request.HostId)
            : null;
    }
}
