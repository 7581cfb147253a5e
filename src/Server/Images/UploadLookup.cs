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

    /// <summary>The pool named, else the upload's, else <c>default</c>; null after adding the problem.</summary>
    public static CachedRecord<PoolSpec>? PoolOf(CacheSnapshot snapshot, string? named, string? uploadPool, InputProblems problems)
    {
        if (snapshot.TryFindInstalled(Keys.Pools.Spec, "pool", named ?? uploadPool ?? HostPools.DefaultName) is { } pool) return pool;
        problems.Add("$.pool", "pool.notFound", $"There is no pool “{Suggestions.Shorten(named ?? HostPools.DefaultName)}”.");
        return null;
    }
}
