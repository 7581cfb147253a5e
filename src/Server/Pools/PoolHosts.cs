using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Pools;

/// <summary>Which hosts have a pool, and which of them acts on it (pure).</summary>
internal static class PoolHosts
{
    /// <summary>Whether a host may look into the pool's folder: elsewhere the same path is another folder.</summary>
    public static bool IsOn(PoolSpec pool, string hostId) => pool.Scope == PoolScope.Shared || pool.Host is null || pool.Host == hostId;

    /// <summary>Whether what lies in the pool can be used on a host now.</summary>
    public static bool Reaches(CacheSnapshot snapshot, CachedRecord<PoolSpec> pool, string hostId) => pool.Record.Scope == PoolScope.Shared
        ? snapshot.Get(Keys.Pools.OnHost, Keys.Pools.OnHostId(pool.Id, hostId))?.Record.Available == true
        : IsOn(pool.Record, hostId);

    /// <summary>As <see cref="Reaches(CacheSnapshot, CachedRecord{PoolSpec}, string)"/>; false: there is no such pool.</summary>
    public static bool Reaches(CacheSnapshot snapshot, string poolId, string hostId) =>
        snapshot.Get(Keys.Pools.Spec, poolId) is { } pool && Reaches(snapshot, pool, hostId);

    /// <summary>Id of the host that carries out an operation in the pool; it is written into the operation. Null: no host reaches the pool.</summary>
    /// <param name="snapshot">The state.</param>
    /// <param name="pool">The pool.</param>
    /// <param name="preferred">Takes it if it can: the host that is asked.</param>
    public static string? ExecutorOf(CacheSnapshot snapshot, CachedRecord<PoolSpec> pool, string preferred)
    {
        if (pool.Record.Scope == PoolScope.Host) return pool.Record.Host;
        if (Reaches(snapshot, pool, preferred)) return preferred;
        return AvailableOn(snapshot, pool.Id).FirstOrDefault();
    }

    /// <summary>Id of the host that tells a pool's room and tidies it up; null: from before there could be several, so whoever looks.</summary>
    public static string? KeeperOf(CacheSnapshot snapshot, CachedRecord<PoolSpec> pool) =>
        pool.Record.Scope == PoolScope.Host ? pool.Record.Host : AvailableOn(snapshot, pool.Id).FirstOrDefault() ?? "";

    public static bool IsKeeper(CacheSnapshot snapshot, CachedRecord<PoolSpec> pool, string hostId) =>
        KeeperOf(snapshot, pool) is not { } keeper || keeper == hostId;

    /// <summary>The pool that takes what names none, of what a host makes; null: the host has none yet.</summary>
    public static CachedRecord<PoolSpec>? DefaultOf(CacheSnapshot snapshot, string hostId) =>
        snapshot.All(Keys.Pools.Spec).FirstOrDefault(pool => IsDefault(pool.Record) && IsOn(pool.Record, hostId));

    /// <summary>Also of a record from before there could be several.</summary>
    public static bool IsDefault(PoolSpec pool) => pool.IsDefault || (pool.Host is null && pool is { Scope: PoolScope.Host, Name: HostPools.DefaultName });

    /// <summary>Why a host leaves a shared pool alone now: its file system did not answer when it was looked at last; null: it did, or is the host's own.</summary>
    public static Failure? HangsOn(CacheSnapshot snapshot, CachedRecord<PoolSpec> pool, string hostId) =>
        pool.Record.Scope == PoolScope.Shared && snapshot.Get(Keys.Pools.OnHost, Keys.Pools.OnHostId(pool.Id, hostId))?.Record.Failure is { Code: SharedPools.Hangs } failure ? failure : null;

    /// <summary>The pool's status for people: of a shared one that no host finds now, its keeper's last word is an old one.</summary>
    public static PoolStatus? StatusOf(CacheSnapshot snapshot, CachedRecord<PoolSpec> pool)
    {
        var known = snapshot.Get(Keys.Pools.Status, pool.Id)?.Record;
        if (pool.Record.Scope != PoolScope.Shared) return known;
        var hosts = On(snapshot, pool.Id).Select(host => host.Status).ToList();
        return hosts.Count == 0 || hosts.Any(host => host.Available) ? known : (known ?? new PoolStatus { Available = false }) with { Available = false, Failure = hosts[0].Failure };
    }

    /// <summary>How each host finds a shared pool, in the order of ids.</summary>
    public static IEnumerable<(string Host, PoolHostStatus Status)> On(CacheSnapshot snapshot, string poolId)
    {
        string prefix = Keys.Pools.OnHostId(poolId, "");
        return snapshot.All(Keys.Pools.OnHost).Where(found => found.Id.StartsWith(prefix, StringComparison.Ordinal)).Select(found => (found.Id[prefix.Length..], found.Record));
    }

    /// <summary>
    /// Who keeps a second host from writing the same disk: the cluster, when each host that has the pool was kept out by every other one's lock; nobody, when
    /// one of them was not, or does not see the other's file at all (decision 12).
    /// </summary>
    public static PoolWall WallOf(IReadOnlyCollection<(string Host, PoolHostStatus Status)> hosts)
    {
        var have = hosts.Where(host => host.Status.Available).ToList();
        if (have.Count < 2) return PoolWall.Host;
        bool proved = have.All(host => have.All(other => other.Host == host.Host || (host.Status.Sees.Contains(other.Host) && host.Status.LockedOutBy.Contains(other.Host))));
        return proved ? PoolWall.Cluster : PoolWall.None;
    }

    private static IEnumerable<string> AvailableOn(CacheSnapshot snapshot, string poolId) => On(snapshot, poolId).Where(host => host.Status.Available).Select(host => host.Host);
}
