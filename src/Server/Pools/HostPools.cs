using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Http;
using Lamina.Server.Store;

namespace Lamina.Server.Pools;

/// <summary>Whose pools these are.</summary>
/// <param name="Id">Of this host.</param>
/// <param name="Name">Of this host.</param>
internal sealed record PoolHost(string Id, string Name);

/// <summary>The pools on this machine: their folders, their room, and what is promised of it.</summary>
internal sealed partial class HostPools(IStore store, Cache cache, PoolHost host, EventLog events, TimeProvider time, ILogger<HostPools> logger) : IDisposable
{
    public const string DefaultName = "default";

    private const UnixFileMode RootOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RoomPollInterval = TimeSpan.FromSeconds(1);

    private readonly PoolReservations _reservations = new();
    private readonly SharedPoolProof _proof = new(host.Id);

    /// <summary>How this host finds shared pools.</summary>
    public SharedPools Shared => field ??= new SharedPools(store, cache, host, _proof, events, time);

    /// <summary>Id of this host.</summary>
    public string HostId => host.Id;

    /// <summary>Which unfinished files in the pools are worked on.</summary>
    public PoolTemporaries Temporaries { get; } = new();

    /// <summary>
    /// Makes this host's default pool at its first start (<c>default</c>, of a further host <c>default-NAME</c>): the folders first, then the record, so that a
    /// recorded pool always had its folders. A pool that is recorded is not made again: an empty folder in its place would hide that a disk is not mounted.
    /// </summary>
    public async Task EnsureDefaultAsync(string folder, CancellationToken cancellation)
    {
        await ClaimAsync(cancellation);
        if (PoolHosts.DefaultOf(cache.Snapshot, host.Id) is not null) return;
        string name = cache.Snapshot.TryFindInstalled(Keys.Pools.Spec, "pool", DefaultName) is null ? DefaultName : $"{DefaultName}-{host.Name}";
        var paths = new PoolPaths(folder);
        MakeFolders(paths);
        CrashPoints.Reached("pool", "create", "after");
        var id = Guid.CreateVersion7().ToString();
        var reserve = PoolAccounting.DefaultReserveBytes(FileSystemSpace.Read(paths.Disks).TotalBytes);
        var spec = new PoolSpec { Name = name, Path = folder, Host = host.Id, IsDefault = true, CreatedAt = time.GetUtcNow(), ReserveBytes = reserve };
        var result = await new StoreChange("pool.create")
            .Create(Keys.Names, Keys.NameId(Lookup.Installation, "pool", name), new Claim { Owner = id })
            .Create(Keys.Pools.Spec, id, spec)
            .CommitAsync(store, time, cancellation);
        await cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(5), cancellation);
    }

    /// <summary>Where the pool lies on this host.</summary>
    /// <exception cref="ProblemException">404: there is no such pool; 503: it is another host's, and here its path is another folder; or it hangs.</exception>
    public PoolPaths PathsOf(string poolId)
    {
        var pool = Here(poolId);
        return PoolHosts.HangsOn(cache.Snapshot, pool, host.Id) is { } hangs ? throw ProblemOf(ProblemKind.Unavailable, hangs) : new(pool.Record.Path);
    }

    /// <summary>As <see cref="PathsOf"/>, for who only compares paths and touches nothing.</summary>
    public PoolPaths PlaceOf(string poolId) => new(Here(poolId).Record.Path);

    /// <summary>Whether the pool is one of this host; false also when there is none such.</summary>
    public bool IsHere(string poolId) => cache.Snapshot.Get(Keys.Pools.Spec, poolId) is { } pool && PoolHosts.IsOn(pool.Record, host.Id);

    /// <summary>As <see cref="IsKeeper"/>; false also when there is no such pool.</summary>
    public bool IsKept(string poolId) => cache.Snapshot.Get(Keys.Pools.Spec, poolId) is { } pool && IsKeeper(pool);

    /// <summary>Whether this host tidies the pool up.</summary>
    public bool IsKeeper(CachedRecord<PoolSpec> pool) => PoolHosts.IsOn(pool.Record, host.Id) && PoolHosts.IsKeeper(cache.Snapshot, pool, host.Id);

    /// <summary>The pool's room now, as the file system says it.</summary>
    /// <exception cref="ProblemException">The pool cannot be read.</exception>
    public PoolRoomNow Room(string poolId) => Room(poolId, _reservations.Sum(poolId));

    /// <summary>Closes this host's own file in a shared pool that is being deleted: NFS keeps a file that is open (<c>.nfs…</c>), and its folder with it.</summary>
    public void LetGo(string poolId) => _proof.Forget(poolId);

    /// <summary>Promises room to an upload or operation until <see cref="Release"/>; else says why there is none.</summary>
    /// <exception cref="ProblemException">The pool cannot be read.</exception>
    public Failure? TryReserve(string poolId, string owner, string what, long bytes)
    {
        return _reservations.TryReserve(poolId, owner, what, bytes, others => Room(poolId, others));
    }

    /// <inheritdoc cref="PoolReservations.Keep"/>
    public void Keep(string owner, long bytesLeft) => _reservations.Keep(owner, bytesLeft);

    /// <inheritdoc cref="PoolReservations.Restore"/>
    public void Restore(string poolId, string owner, long bytesLeft) => _reservations.Restore(poolId, owner, bytesLeft);

    public void Release(string owner) => _reservations.Release(owner);

    /// <summary>Refuses when not even <paramref name="bytes"/> are left: for what reserves nothing, such as a thin disk.</summary>
    /// <exception cref="ProblemException">507 <c>pool.full</c>, or the pool cannot be read.</exception>
    public void RequireRoom(string poolId, string what, long bytes)
    {
        if (PoolAccounting.Refuse(Room(poolId), what, bytes) is { } refusal) throw ProblemOf(refusal);
    }

    /// <summary>True when guests that were paused because the pool was full may go on.</summary>
    public bool HasRoomToResume(string poolId)
    {
        var room = Room(poolId, 0);
        return room.FreeBytes >= PoolAccounting.ResumeThresholdBytes(room.ReserveBytes);
    }

    /// <summary>Ends when <see cref="HasRoomToResume"/>. The file system tells nobody, so it is looked at each second, only while somebody waits.</summary>
    public async Task WaitForRoomAsync(string poolId, CancellationToken cancellation)
    {
        while (!Answers(poolId) || !HasRoomToResume(poolId)) await Task.Delay(RoomPollInterval, time, cancellation);
    }

    /// <summary>Keeps the pools' statuses near the truth, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var statuses = new Dictionary<string, ThrottledStatus<PoolStatus>>(StringComparer.Ordinal);
        try
        {
            using var timer = new PeriodicTimer(RefreshInterval, time);
            do
            {
                foreach (var pool in cache.Snapshot.All(Keys.Pools.Spec).Where(IsKeeper)) await OfferAsync(pool, statuses);
            }
            while (await timer.WaitForNextTickAsync(cancellation));
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The daemon ends.
        }
        finally
        {
            foreach (var status in statuses.Values) await status.DisposeAsync();
        }
    }

    public void Dispose()
    {
        Temporaries.Dispose();
        _proof.Dispose();
    }

    internal static ProblemException ProblemOf(Failure refusal) => ProblemOf(ProblemKind.NoSpace, refusal);

    private static ProblemException ProblemOf(ProblemKind kind, Failure refusal) => new(kind, refusal.Code, refusal.Message, refusal.Remedy);

    /// <summary>Makes the folders that every pool has, readable by root only.</summary>
    internal static void MakeFolders(PoolPaths paths)
    {
        foreach (var folder in paths.Folders.Prepend(paths.Root))
        {
            Directory.CreateDirectory(folder, RootOnly);
            File.SetUnixFileMode(folder, RootOnly); // one that was there already
        }
    }

    /// <summary>Pools from before there could be several hosts are this one's, while it is the only one.</summary>
    private async Task ClaimAsync(CancellationToken cancellation)
    {
        var snapshot = cache.Snapshot;
        if (snapshot.All(Keys.Hosts.Spec).Any(known => known.Id != host.Id)) return;
        foreach (var pool in snapshot.All(Keys.Pools.Spec).Where(pool => pool.Record is { Scope: PoolScope.Host, Host: null }))
        {
            var mine = pool.Record with { Host = host.Id, IsDefault = PoolHosts.IsDefault(pool.Record) };
            var result = await new StoreChange("pool.claim").Update(Keys.Pools.Spec, pool.Id, mine, pool.ModRevision).CommitAsync(store, time, cancellation);
            await cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(5), cancellation);
        }
    }

    private async Task OfferAsync(CachedRecord<PoolSpec> pool, Dictionary<string, ThrottledStatus<PoolStatus>> statuses)
    {
        if (!statuses.TryGetValue(pool.Id, out var status))
        {
            var id = pool.Id;
            statuses[id] = status = new ThrottledStatus<PoolStatus>(PoolStatuses.Compare, (record, token) => WriteAsync(id, record, token), time, logger);
        }

        if (pool.Record.Scope == PoolScope.Host) status.Offer(Look(pool.Id, pool.Record));
        else if (await SharedPools.TryAsync(pool.Id, () => Look(pool.Id, pool.Record)) is { } seen) status.Offer(seen with { Wall = PoolHosts.WallOf([.. PoolHosts.On(cache.Snapshot, pool.Id)]) });
    }

    private async Task WriteAsync(string poolId, PoolStatus status, CancellationToken cancellation)
    {
        // Known from an earlier run: do not write it again only because this daemon is new.
        var known = cache.Snapshot.Get(Keys.Pools.Status, poolId)?.Record;
        if (PoolStatuses.Compare(known, status) == StatusDifference.None) return;
        await new StoreChange("pool.status").RequireExists(Keys.Pools.Spec[poolId]).Put(Keys.Pools.Status, poolId, status).CommitAsync(store, time, cancellation);
    }

    /// <summary>What is to be seen of a pool now.</summary>
    internal PoolStatus Look(string id, PoolSpec pool)
    {
        var provisioned = PoolContent.ProvisionedBytes(cache.Snapshot, id);
        try
        {
            var paths = new PoolPaths(pool.Path);
            RequireMark(paths, id, pool);
            var status = PoolStatuses.Make(FileSystemSpace.Read(paths.Disks), null, provisioned, PoolFiles.AllocatedBytes(paths));
            return status with { FileSystem = PoolFolder.FileSystem(paths.Root)?.Words, DirectIo = PoolFolder.TakesDirectIo(paths) };
        }
        catch (Exception problem) when (problem is LinuxException or IOException)
        {
            LogUnreadable(logger, pool.Name, pool.Path, problem);
            return PoolStatuses.Make(null, Unreadable(pool, problem).ToFailure(), provisioned, 0);
        }
    }

    private PoolRoomNow Room(string poolId, long reservedBytes)
    {
        var pool = Here(poolId);
        var spec = pool.Record;
        if (PoolHosts.HangsOn(cache.Snapshot, pool, host.Id) is { } hangs) throw ProblemOf(ProblemKind.Unavailable, hangs);
        try
        {
            var space = spec.Scope == PoolScope.Host ? ReadSpace() : SharedPools.Try(ReadSpace) ?? throw ProblemOf(ProblemKind.Unavailable, SharedPools.FailureOf(spec));
            return new PoolRoomNow(spec.Name, space.TotalBytes, space.AvailableBytes, spec.ReserveBytes, reservedBytes);
        }
        catch (Exception problem) when (problem is LinuxException or IOException)
        {
            throw Unreadable(spec, problem);
        }

        FileSystemSpace ReadSpace()
        {
            var paths = new PoolPaths(spec.Path);
            RequireMark(paths, pool.Id, spec);
            return FileSystemSpace.Read(paths.Disks);
        }
    }

    /// <summary>What is found in the pool's place may be another folder: an unmounted one, or another pool.</summary>
    internal static void RequireMark(PoolPaths paths, string id, PoolSpec pool)
    {
        if (pool.Marked && PoolFolder.MarkOf(paths) is var mark && mark != id)
            throw new IOException(mark is null ? $"the folder bears no mark ({PoolPaths.MarkName}) of this pool" : $"the folder bears the mark of another pool ({mark})");
    }

    private bool Answers(string poolId)
    {
        try
        {
            Room(poolId);
            return true;
        }
        catch (ProblemException problem) when (problem.Kind == ProblemKind.Unavailable)
        {
            return false;
        }
    }

    private CachedRecord<PoolSpec> Here(string poolId)
    {
        var pool = cache.Snapshot.FindInstalled(Keys.Pools.Spec, "pool", poolId);
        return PoolHosts.IsOn(pool.Record, host.Id) ? pool : throw Elsewhere(pool.Record);
    }

    private ProblemException Elsewhere(PoolSpec pool)
    {
        string other = cache.Snapshot.HostName(pool.Host!);
        return new ProblemException(ProblemKind.Unavailable, "pool.otherHost", $"Pool {pool.Name} lies on host '{other}', and this is host '{host.Name}'.", "Use a pool of this host, or a shared one.");
    }

    internal static ProblemException Unreadable(PoolSpec spec, Exception problem) => new(
        ProblemKind.Unavailable, "pool.unavailable", $"Pool {spec.Name} at {spec.Path} cannot be read: {problem.Message}",
        "Check that its file system is mounted and whole; nothing in it was changed.", problem);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Pool {Pool} at {Folder} cannot be read")]
    private static partial void LogUnreadable(ILogger logger, string pool, string folder, Exception problem);
}
