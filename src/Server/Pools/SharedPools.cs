using System.Collections.Concurrent;
using Lamina.Api;
using Lamina.Linux;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Pools;

/// <summary>
/// Tells how this host finds each shared pool. The folder is never made here: an empty one in its place would hide that nothing is mounted. A file system
/// that does not answer holds up one thread of its own, and is said to hang.
/// </summary>
internal sealed class SharedPools(IStore store, Cache cache, string hostId, SharedPoolProof proof, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Looks that have not come back, by pool.</summary>
    private static readonly ConcurrentDictionary<string, Task> Hanging = new(StringComparer.Ordinal);

    private static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(10);

    /// <summary>Looks at each change of pools and now and then, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var subscription = cache.Subscribe(Keys.Pools.Spec, Keys.Pools.OnHost);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        await using var batches = subscription.ReadAllAsync(ending.Token).GetAsyncEnumerator(ending.Token);
        var next = batches.MoveNextAsync().AsTask();
        try
        {
            while (true)
            {
                await TryLookAsync(cancellation);
                if (await Task.WhenAny(next, Task.Delay(RefreshInterval, time, cancellation)) != next) cancellation.ThrowIfCancellationRequested();
                else if (!await next) return;
                else next = batches.MoveNextAsync().AsTask();
            }
        }
        finally
        {
            await ending.CancelAsync();
            await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TryLookAsync(CancellationToken cancellation)
    {
        try
        {
            await LookAsync(cancellation);
        }
        catch (StoreUnavailableException)
        {
            // Told when it is back.
        }
        catch (StoreOutcomeUnknownException)
        {
            // The next look sees what was written.
        }
    }

    internal async Task LookAsync(CancellationToken cancellation)
    {
        foreach (var pool in cache.Snapshot.All(Keys.Pools.Spec).Where(pool => pool.Record is { Scope: PoolScope.Shared, Deleting: null }))
        {
            var status = await TryAsync($"{hostId} {pool.Id}", () => Look(pool)) ?? proof.Away(pool.Id, Hangs(pool.Record));
            await WriteAsync(pool.Id, status, cancellation);
        }
    }

    /// <summary>Does what may wait for a file system, for a bounded time; null: it has not come back, nor has an earlier look.</summary>
    public static async Task<T?> TryAsync<T>(string key, Func<T> look)
        where T : class
    {
        if (Hanging.TryGetValue(key, out var earlier) && !earlier.IsCompleted) return null;
        var looking = Task.Run(look);
        Hanging[key] = looking;
        try
        {
            var seen = await looking.WaitAsync(Patience);
            Hanging.TryRemove(key, out _);
            return seen;
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    private PoolHostStatus Look(CachedRecord<PoolSpec> pool)
    {
        try
        {
            var paths = new PoolPaths(pool.Record.Path);
            HostPools.RequireMark(paths, pool.Id, pool.Record);
            return proof.Look(paths, pool.Id, [.. PoolHosts.On(cache.Snapshot, pool.Id)]);
        }
        catch (Exception problem) when (problem is LinuxException or IOException or UnauthorizedAccessException)
        {
            return proof.Away(pool.Id, HostPools.Unreadable(pool.Record, problem).ToFailure());
        }
    }

    private async Task WriteAsync(string poolId, PoolHostStatus status, CancellationToken cancellation)
    {
        string id = Keys.Pools.OnHostId(poolId, hostId);
        if (Same(cache.Snapshot.Get(Keys.Pools.OnHost, id)?.Record, status)) return;
        var result = await new StoreChange("pool.found").RequireExists(Keys.Pools.Spec[poolId]).Put(Keys.Pools.OnHost, id, status).CommitAsync(store, time, cancellation);
        await cache.WaitForRevisionAsync(result.Revision, Patience, cancellation);
    }

    private static bool Same(PoolHostStatus? known, PoolHostStatus now) => known is not null
        && (known.Available, known.Nonce, known.FileSystem, known.Failure?.Message) == (now.Available, now.Nonce, now.FileSystem, now.Failure?.Message)
        && known.Sees.SequenceEqual(now.Sees) && known.LockedOutBy.SequenceEqual(now.LockedOutBy) && known.NotLockedOutBy.SequenceEqual(now.NotLockedOutBy);

    private static Failure Hangs(PoolSpec pool) => new()
    {
        Code = "pool.hangs",
        Message = $"The file system of pool {pool.Name} at {pool.Path} does not answer on this host.",
        Remedy = "See whether its server can be reached. Nothing in it was changed.",
    };
}
