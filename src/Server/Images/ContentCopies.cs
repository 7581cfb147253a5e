using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Pools;
using Lamina.Server.Store;

namespace Lamina.Server.Images;

/// <summary>
/// Brings images and media to the hosts that need them, once: a copy has the same place in another pool as the original has in its own, and counts when its
/// checksum was compared and its record is written. Safe to repeat and to break off at any line.
/// </summary>
internal sealed partial class ContentCopies(IStore store, Cache cache, HostPools pools, ContentSource source, TimeProvider time, ILogger<ContentCopies> logger)
{
    private static readonly TimeSpan SeenPatience = TimeSpan.FromSeconds(5);

    /// <summary>One copies, the others wait.</summary>
    private readonly SharedWork<bool> _under = new(keepsResults: false);

    /// <summary>Makes sure that the content lies whole in a pool of this host.</summary>
    /// <param name="kind">Image or medium.</param>
    /// <param name="id">Which.</param>
    /// <param name="poolId">Where it is needed.</param>
    /// <param name="report">Told percent and words while it is copied; null: nobody asks.</param>
    /// <param name="cancellation">Gives up waiting; what was begun for others too goes on.</param>
    /// <exception cref="ProblemException">It is gone, its host is not reached, or the pool is full.</exception>
    public async Task EnsureAsync(ContentKind kind, string id, string poolId, Action<int?, string>? report, CancellationToken cancellation)
    {
        var snapshot = cache.Snapshot;
        if (kind.PoolOf(snapshot, id) is not var (home, name, _)) throw new ProblemException(ProblemKind.Unprocessable, $"{kind.Noun}.missing", $"The {kind.Noun} {id} is gone.", "Name another one.");
        if (home == poolId || IsHere(kind, id, poolId)) return;
        string key = $"{kind.Folder}/{id}/{poolId}";
        await _under.RunAsync(key, async () =>
        {
            await CopyAsync(kind, id, name, home, poolId, report, CancellationToken.None);
            return true;
        }).WaitAsync(cancellation);
    }

    /// <summary>The pool of this host in which a content can be read; of one on another host the default pool, into which <see cref="EnsureAsync"/> brings it.</summary>
    public string PoolFor(ContentKind kind, string id)
    {
        var snapshot = cache.Snapshot;
        if (kind.PoolOf(snapshot, id) is not var (home, _, _) || PoolHosts.Reaches(snapshot, home, pools.HostId) || pools.IsHere(home)) return kind.PoolOf(snapshot, id)?.Pool ?? "";
        return PoolHosts.DefaultOf(snapshot, pools.HostId)?.Id ?? home;
    }

    /// <summary>Removes the copies in this host's pools of what is being deleted, with their records; until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var subscription = cache.Subscribe(Keys.Images.Spec, Keys.Isos.Spec);
        await TidyAsync(subscription.Start, cancellation);
        await foreach (var batch in subscription.ReadAllAsync(cancellation)) await TidyAsync(batch.Snapshot, cancellation);
    }

    /// <summary>Waits until no other host has a copy of it any more; gives up on hosts that do not answer, whose copies are then listed as orphans.</summary>
    public async Task WaitForRemovalAsync(ContentKind kind, string id, TimeSpan patience, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        using var subscription = cache.Subscribe(kind.Copies);
        if (!CopiesOf(subscription.Start, kind, id).Any()) return;
        try
        {
            await foreach (var batch in subscription.ReadAllAsync(either.Token))
            {
                if (!CopiesOf(batch.Snapshot, kind, id).Any()) return;
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            LogLeft(logger, kind.Noun, id);
        }
    }

    /// <summary>Ids of the pools that have a copy (pure).</summary>
    public static IEnumerable<string> CopiesOf(CacheSnapshot snapshot, ContentKind kind, string id)
    {
        string prefix = Keys.CopyId(id, "");
        return snapshot.All(kind.Copies).Where(copy => copy.Id.StartsWith(prefix, StringComparison.Ordinal)).Select(copy => copy.Id[prefix.Length..]);
    }

    private bool IsHere(ContentKind kind, string id, string poolId) =>
        cache.Snapshot.Get(kind.Copies, Keys.CopyId(id, poolId)) is not null && File.Exists(kind.File(pools.PathsOf(poolId), id));

    private async Task CopyAsync(ContentKind kind, string id, string name, string home, string poolId, Action<int?, string>? report, CancellationToken cancellation)
    {
        var pool = pools.PathsOf(poolId);
        string owner = $"copy {id}";
        using var use = await pools.Temporaries.UseAsync(pool.Temporary(id), cancellation);
        using var root = RootedDirectory.Open(pool.Root);
        string temporary = Path.GetFileName(pool.Temporary(id));
        try
        {
            if (root.Find(temporary) is not null) root.DeleteDirectory(temporary);
            root.CreateDirectory(temporary);
            await using var content = await source.OpenAsync(kind, id, name, home, cancellation);
            if (pools.TryReserve(poolId, owner, $"a copy of {kind.Noun} {name}", content.SizeBytes) is { } full) throw HostPools.ProblemOf(full);
            string file = Path.Join(temporary, Path.GetFileName(kind.File(pool, id)));
            string sha256 = await WriteAsync(root, file, content, $"copying {kind.Noun} {name}", owner, report, cancellation);
            await content.CompareAsync(sha256, name, cancellation);
            if (root.Find(Path.Join(kind.Folder, id)) is not null) root.DeleteDirectory(Path.Join(kind.Folder, id)); // of an attempt whose record was not written
            root.Rename(temporary, Path.Join(kind.Folder, id));
            CrashPoints.Reached("content", "copy", "after");
            var copy = new ContentCopy { SizeBytes = content.SizeBytes, Sha256 = sha256, CreatedAt = time.GetUtcNow() };
            var result = await new StoreChange("content.copied").RequireExists($"{kind.Folder}/{id}/spec").Put(kind.Copies, Keys.CopyId(id, poolId), copy).CommitAsync(store, time, cancellation);
            if (!result.Succeeded) throw new ProblemException(ProblemKind.Unprocessable, $"{kind.Noun}.missing", $"The {kind.Noun} {name} was deleted meanwhile.", "Name another one.");
            await cache.WaitForRevisionAsync(result.Revision, SeenPatience, cancellation);
            LogCopied(logger, kind.Noun, name, poolId);
        }
        finally
        {
            pools.Release(owner);
            if (root.Find(temporary) is not null) root.DeleteDirectory(temporary);
        }
    }

    private async Task<string> WriteAsync(
        RootedDirectory root, string file, ContentStream content, string words, string owner, Action<int?, string>? report, CancellationToken cancellation)
    {
        using var target = root.OpenFile(file, OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive, ImageWork.ReadOnlyFile | UnixFileMode.UserWrite);
        string sha256 = await content.CopyToAsync(
            target,
            written =>
            {
                pools.Keep(owner, content.SizeBytes - written);
                report?.Invoke(content.SizeBytes == 0 ? null : (int)(written * 100 / content.SizeBytes), $"{words}: {Sizes.Format(written)} of {Sizes.Format(content.SizeBytes)}");
            },
            cancellation);
        File.SetUnixFileMode(target, ImageWork.ReadOnlyFile);
        RandomAccess.FlushToDisk(target);
        return sha256;
    }

    private async Task TidyAsync(CacheSnapshot snapshot, CancellationToken cancellation)
    {
        foreach (var kind in ContentKind.All)
        {
            foreach (var copy in snapshot.All(kind.Copies).ToList())
            {
                int cut = copy.Id.IndexOf("/pools/", StringComparison.Ordinal);
                string id = copy.Id[..cut];
                string pool = copy.Id[(cut + "/pools/".Length)..];
                if (kind.PoolOf(snapshot, id) is { Deleting: null } || !pools.IsHere(pool)) continue;
                try
                {
                    using (var root = RootedDirectory.Open(pools.PathsOf(pool).Root)) root.DeleteDirectory(Path.Join(kind.Folder, id));
                    await new StoreChange("content.drop").Delete(kind.Copies[copy.Id]).CommitAsync(store, time, cancellation);
                }
                catch (Exception failure) when (failure is LinuxException or IOException)
                {
                    LogNotRemoved(logger, kind.Noun, id, failure);
                }
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "The {Noun} {Name} was copied into pool {Pool}")]
    private static partial void LogCopied(ILogger logger, string noun, string name, string pool);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A host has not removed its copy of the {Noun} {Id}: its file stays as an orphan")]
    private static partial void LogLeft(ILogger logger, string noun, string id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "The copy of the {Noun} {Id} could not be removed")]
    private static partial void LogNotRemoved(ILogger logger, string noun, string id, Exception failure);
}
