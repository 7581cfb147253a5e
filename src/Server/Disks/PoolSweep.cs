using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Images;
using Lamina.Server.Operations;
using Lamina.Server.Pools;
using Lamina.Server.Store;

namespace Lamina.Server.Disks;

/// <summary>
/// What a crash left in the pools (decision 18): unfinished files of nobody are removed, uploads are given up after a day, and committed files
/// without a record are only listed.
/// </summary>
internal sealed class PoolSweep(IStore store, Cache cache, HostPools pools, HostUploads uploads, TimeProvider time)
{
    public async Task<SweepReport> SweepAsync(CancellationToken cancellation)
    {
        var removed = new List<string>();
        var orphans = new List<string>();
        foreach (var pool in cache.Snapshot.All(Keys.Pools.Spec).Where(pools.IsKeeper))
        {
            var paths = new PoolPaths(pool.Record.Path);
            if (!Directory.Exists(paths.Root)) continue; // away: its status says so, and the others are swept all the same
            using var root = RootedDirectory.Open(paths.Root);
            removed.AddRange(await RemoveTemporariesAsync(root, paths, IsShared(pool), cancellation));
            removed.AddRange(RemoveLostUploads(root, pool));
            orphans.AddRange(Orphans(root, pool));
        }

        removed.AddRange(await GiveUploadsUpAsync(cancellation));
        return new SweepReport { Removed = removed, Orphans = orphans };
    }

    private async Task<List<string>> RemoveTemporariesAsync(RootedDirectory root, PoolPaths paths, bool shared, CancellationToken cancellation)
    {
        var removed = new List<string>();
        foreach (var name in root.List().Where(name => name.StartsWith(PoolPaths.TemporaryPrefix, StringComparison.Ordinal)))
        {
            if (shared && !IsOld(Path.Join(paths.Root, name))) continue;
            var path = Path.Join(paths.Root, name);
            if (await pools.Temporaries.RemoveUnusedAsync(path, () => RemoveAsync(root, name, cancellation), cancellation)) removed.Add($"unfinished {path}");
        }

        return removed;
    }

    private static bool IsShared(CachedRecord<PoolSpec> pool) => pool.Record.Scope == PoolScope.Shared;

    /// <summary>In a shared pool other hosts work too, on what this one cannot know yet: only what nobody has touched for a day is nobody's.</summary>
    private bool IsOld(string path) => time.GetUtcNow() - Directory.GetLastWriteTimeUtc(path) > UploadAge.Kept;

    private static async Task RemoveAsync(RootedDirectory root, string name, CancellationToken cancellation)
    {
        await ToolLeftovers.EndAsync(name[PoolPaths.TemporaryPrefix.Length..], cancellation);
        if (root.Find(name) is { Kind: FileKind.Directory }) root.DeleteDirectory(name);
        else root.DeleteFile(name);
    }

    // The folder is read before the records: a file seen here has had its record before, so one without is a deleted one's.
    private IEnumerable<string> RemoveLostUploads(RootedDirectory root, CachedRecord<PoolSpec> pool)
    {
        var names = root.List("uploads");
        var snapshot = cache.Snapshot;
        foreach (var name in names.Where(name => snapshot.Get(Keys.Uploads, name) is null))
        {
            if (IsShared(pool) && !IsOld(Path.Join(pool.Record.Path, "uploads", name))) continue;
            uploads.Delete(name, pool.Id);
            yield return $"upload {name} without a record";
        }
    }

    private IEnumerable<string> Orphans(RootedDirectory root, CachedRecord<PoolSpec> pool)
    {
        return PoolOrphans.Read(root, pool.Id, cache).Select(path => $"{Path.Join(pool.Record.Path, path)} in pool {pool.Record.Name}");
    }

    private async Task<List<string>> GiveUploadsUpAsync(CancellationToken cancellation)
    {
        var given = new List<string>();
        var snapshot = cache.Snapshot;
        var wanted = snapshot.All(Keys.Operations.Request)
            .Where(request => !snapshot.Get(Keys.Operations.State, request.Id)?.Record.IsEnded() ?? true)
            .Select(request => (string?)request.Record.Parameters?[HostImages.UploadParameter])
            .OfType<string>()
            .ToHashSet(StringComparer.Ordinal);
        foreach (var upload in snapshot.All(Keys.Uploads).Where(upload => !wanted.Contains(upload.Id) && uploads.IsMine(upload.Record)))
        {
            if (!UploadAge.IsOver(upload.Record, uploads.LastWrite(upload.Id, upload.Record), time.GetUtcNow())) continue;
            var result = await new StoreChange("upload.sweep").Delete(Keys.Uploads[upload.Id], upload.ModRevision).CommitAsync(store, time, cancellation);
            if (!result.Succeeded) continue;
            uploads.Delete(upload.Id, upload.Record.Pool);
            given.Add($"upload {upload.Id}, untouched for a day");
        }

        return given;
    }
}
