using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Pools;

namespace Lamina.Server.Disks;

/// <summary>Which committed folders of a pool have no record (pure).</summary>
internal static class PoolOrphans
{
    /// <summary>Folders in a pool whose entries bear the ids of records.</summary>
    public static IReadOnlyList<string> Folders { get; } = ["disks", "images", "isos", "vms"];

    /// <param name="names">What lies in each of <see cref="Folders"/>, read before the records were.</param>
    /// <param name="hasRecord">Whether there is a record for an entry of a folder.</param>
    /// <returns>Paths within the pool.</returns>
    public static IReadOnlyList<string> Find(IReadOnlyDictionary<string, IReadOnlyList<string>> names, Func<string, string, bool> hasRecord) =>
        [.. names.SelectMany(pair => pair.Value.Where(name => !hasRecord(pair.Key, name)).Select(name => $"{pair.Key}/{name}")).Order(StringComparer.Ordinal)];

    /// <summary>What lies in a pool without a record. The folders are read before the records: what is seen there had its record before.</summary>
    /// <returns>Paths within the pool.</returns>
    public static IReadOnlyList<string> Read(RootedDirectory root, string poolId, Cache cache)
    {
        var names = Folders.ToDictionary(folder => folder, root.List);
        var snapshot = cache.Snapshot;
        return Find(names, (folder, id) => HasRecord(snapshot, poolId, folder, id));
    }

    /// <summary>The noun of what lies in one of <see cref="Folders"/>.</summary>
    public static string NounOf(string folder) => folder[..^1];

    /// <summary>Whether a record says that this lies in this pool; a VM's own files are its own wherever they lie.</summary>
    public static bool HasRecord(CacheSnapshot snapshot, string poolId, string folder, string id) => folder switch
    {
        "disks" => snapshot.Get(Keys.Disks.Spec, id)?.Record.Pool == poolId || DiskMoves.Into(snapshot, poolId).Any(disk => disk.Id == id),
        "images" => snapshot.Get(Keys.Images.Spec, id)?.Record.Pool == poolId || snapshot.Get(Keys.Images.Copies, Keys.CopyId(id, poolId)) is not null,
        "isos" => snapshot.Get(Keys.Isos.Spec, id)?.Record.Pool == poolId || snapshot.Get(Keys.Isos.Copies, Keys.CopyId(id, poolId)) is not null,
        _ => snapshot.Get(Keys.Vms.Spec, id) is not null,
    };
}
