using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Store;

namespace Lamina.Server.Pools;

/// <summary>
/// Tells how this host finds each shared pool. The folder is never made here: an empty one in its place would hide that nothing is mounted. A file system
/// that does not answer holds up one thread of its own, and is said to hang.
/// </summary>
internal sealed class SharedPools(IStore store, Cache cache, PoolHost host, SharedPoolProof proof, EventLog events, TimeProvider time)
{
    /// <summary>Code of the failure of a pool whose file system does not answer.</summary>
    public const string Hangs = "pool.hangs";

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
            var status = await TryAsync($"{host.Id} {pool.Id}", () => Look(pool)) ?? Silent(pool.Record);
            await WriteAsync(pool, status, cancellation);
        }
    }

    /// <summary>Does what may wait for a file system, for a bounded time; null: it has not come back, nor has an earlier look.</summary>
    public static async Task<T?> TryAsync<T>(string key, Func<T> look)
        where T : class
    {
        if (Hanging.TryGetValue(key, out var earlier) && !earlier.IsCompleted) return null;
        var looking = OnOwnThread(look);
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

    /// <summary>As <see cref="TryAsync"/>, for who holds a lock that other pools need: null: it has not come back in time.</summary>
    [SuppressMessage("Usage", "VSTHRD002", Justification = "The task has a thread of its own, and is waited for no longer than the patience lasts.")]
    public static T? Try<T>(Func<T> look)
        where T : class
    {
        var looking = OnOwnThread(look);
        return Task.WaitAny([looking], Patience) == 0 ? looking.GetAwaiter().GetResult() : null;
    }

    /// <summary>None of the daemon's pool of threads: a call into a file system whose server is gone may never come back.</summary>
    private static Task<T> OnOwnThread<T>(Func<T> look) => Task.Factory.StartNew(look, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private PoolHostStatus Look(CachedRecord<PoolSpec> pool)
    {
        try
        {
            var paths = new PoolPaths(pool.Record.Path);
            _ = FileSystemSpace.Read(paths.Root); // an NFS client answers this from no cache of its own, as it does opening and reading
            HostPools.RequireMark(paths, pool.Id, pool.Record);
            return proof.Look(paths, pool.Id, [.. PoolHosts.On(cache.Snapshot, pool.Id)]);
        }
        catch (Exception problem) when (problem is LinuxException or IOException or UnauthorizedAccessException)
        {
            return proof.Away(pool.Id, HostPools.Unreadable(pool.Record, problem).ToFailure());
        }
    }

    private async Task WriteAsync(CachedRecord<PoolSpec> pool, PoolHostStatus status, CancellationToken cancellation)
    {
        string id = Keys.Pools.OnHostId(pool.Id, host.Id);
        var known = cache.Snapshot.Get(Keys.Pools.OnHost, id)?.Record;
        if (Same(known, status)) return;
        var change = new StoreChange("pool.found").RequireExists(Keys.Pools.Spec[pool.Id]).Put(Keys.Pools.OnHost, id, status);
        if (EventOf(pool, host.Name, known, status) is { } draft) events.Add(change, draft);
        var result = await change.CommitAsync(store, time, cancellation);
        await cache.WaitForRevisionAsync(result.Revision, Patience, cancellation);
    }

    /// <summary>What people are told when a host loses a pool or finds it again; null: neither.</summary>
    public static EventDraft? EventOf(CachedRecord<PoolSpec> pool, string host, PoolHostStatus? known, PoolHostStatus now)
    {
        var target = new ObjectReference { Kind = "pool", Id = pool.Id, Name = pool.Record.Name };
        if (now.Available) return known is null or { Available: true } ? null : new EventDraft { Kind = "pool.back", Message = $"Host {host} has pool {pool.Record.Name} again.", Target = target };
        if (known is { Available: false } && known.Failure?.Code == now.Failure?.Code) return null;
        string what = now.Failure?.Code == Hangs ? "Its VMs with disks there wait, and are not ended" : "Nothing new is put there by it";
        return new EventDraft { Kind = now.Failure?.Code == Hangs ? Hangs : "pool.away", Severity = EventSeverity.Error, Message = $"Host {host}: {now.Failure?.Message} {what}.", Target = target };
    }

    private static bool Same(PoolHostStatus? known, PoolHostStatus now) => known is not null
        && (known.Available, known.Nonce, known.FileSystem, known.Failure?.Message) == (now.Available, now.Nonce, now.FileSystem, now.Failure?.Message)
        && known.Sees.SequenceEqual(now.Sees) && known.LockedOutBy.SequenceEqual(now.LockedOutBy) && known.NotLockedOutBy.SequenceEqual(now.NotLockedOutBy);

    /// <summary>The own file in the pool is not let go of: to close it would wait for the same server.</summary>
    private static PoolHostStatus Silent(PoolSpec pool) => new() { Available = false, Nonce = "", Failure = FailureOf(pool) };

    public static Failure FailureOf(PoolSpec pool) => new()
    {
        Code = Hangs,
        Message = $"The file system of pool {pool.Name} at {pool.Path} does not answer on this host.",
        Remedy = "See whether its server can be reached. Nothing in it was changed, and it is used again as soon as it answers.",
    };
}
