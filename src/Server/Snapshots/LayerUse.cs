using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Snapshots;

/// <summary>Who needs which layers of a disk (pure).</summary>
internal static class LayerUse
{
    public static IReadOnlySet<string> OfSnapshots(CacheSnapshot snapshot, string disk, string? without = null) => snapshot.All(Keys.Snapshots.Status)
        .Where(known => known.Id != without)
        .SelectMany(known => known.Record.Disks.Where(layer => layer.Disk == disk).Select(layer => layer.Layer))
        .ToHashSet(StringComparer.Ordinal);

    public static IReadOnlySet<string> OfClones(CacheSnapshot snapshot, string disk) => snapshot.All(Keys.Disks.Spec)
        .Where(clone => clone.Record.Base?.Disk == disk)
        .Select(clone => clone.Record.Base!.Layer)
        .ToHashSet(StringComparer.Ordinal);

    /// <summary>A VM's snapshots that are whole and not being deleted.</summary>
    public static IEnumerable<CachedRecord<SnapshotSpec>> SnapshotsOf(CacheSnapshot snapshot, string vm) =>
        snapshot.All(Keys.Snapshots.Spec).Where(spec => spec.Record.Vm == vm);
}
