using Lamina.Server.Control;

namespace Lamina.Server.Pools;

/// <summary>What the records say to lie in a pool (pure).</summary>
internal static class PoolContent
{
    /// <returns>As people call it, in order: <c>disk web1-disk0</c>.</returns>
    public static IReadOnlyList<string> Of(CacheSnapshot snapshot, string poolId) =>
    [
        .. snapshot.All(Keys.Disks.Spec).Where(disk => disk.Record.Pool == poolId).Select(disk => $"disk {disk.Record.Name}").Order(StringComparer.Ordinal),
        .. DiskMoves.Into(snapshot, poolId).Select(disk => $"disk {disk.Name}, which is moving there").Order(StringComparer.Ordinal),
        .. snapshot.All(Keys.Images.Spec).Where(image => image.Record.Pool == poolId).Select(image => $"image {image.Record.Name}").Order(StringComparer.Ordinal),
        .. snapshot.All(Keys.Isos.Spec).Where(iso => iso.Record.Pool == poolId).Select(iso => $"medium {iso.Record.Name}").Order(StringComparer.Ordinal),
        .. snapshot.All(Keys.Vms.Spec).Where(vm => vm.Record.HomePool == poolId).Select(vm => $"files of VM {vm.Record.Name}").Order(StringComparer.Ordinal),
        .. snapshot.All(Keys.Uploads).Where(upload => upload.Record.Pool == poolId).Select(upload => $"upload {upload.Id}"),
    ];

    /// <summary>Sum of the sizes that guests see.</summary>
    public static long ProvisionedBytes(CacheSnapshot snapshot, string poolId) =>
        snapshot.All(Keys.Disks.Spec).Where(disk => disk.Record.Pool == poolId).Sum(disk => disk.Record.SizeBytes);
}
