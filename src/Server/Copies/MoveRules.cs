using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Disks;

namespace Lamina.Server.Copies;

/// <summary>When a disk may move to another pool, and what it is there (pure).</summary>
internal static class MoveRules
{
    /// <summary>What stands on an image or another disk cannot take that along: it becomes a disk that stands alone.</summary>
    public static DiskSpec Moved(DiskSpec disk, string pool) => disk with { Pool = pool, Image = null, Base = null };

    /// <summary>The record of a disk whose layers have become one file.</summary>
    public static DiskStatus Merged(DiskStatus status) => status with { Layers = [], Active = null };

    /// <summary>Null: it may, also while a guest uses it: then its layers become one, and a disk that is only read is not mirrored.</summary>
    public static ProblemException? RefuseRunning(CacheSnapshot snapshot, CachedRecord<DiskSpec> disk)
    {
        if (disk.Record.Vm is not { } vmId || snapshot.Get(Keys.Vms.Spec, vmId)?.Record is not { } vm) return null;
        string shutDown = $"lamina vm shutdown {vm.Name}";
        if (DiskUse.SnapshotsOf(snapshot, disk.Id) is { Count: > 0 } snapshots) return ProblemException.Conflict(
            "disk.hasSnapshots", $"VM '{vm.Name}' runs, so only what disk {disk.Record.Name} holds now can move, and snapshots need its layers: {Images.ImageRules.Listed(snapshots)}.",
            $"Delete these snapshots first, or shut the VM down ({shutDown}): then they move along.");
        return vm.Disks.Any(attached => attached.Disk == disk.Id && attached.ReadOnly)
            ? ProblemException.Conflict("disk.readOnly", $"VM '{vm.Name}' runs and only reads disk {disk.Record.Name}, which can move while nobody has it open.", $"Shut the VM down first: {shutDown}.")
            : null;
    }

    /// <summary>Null: it may.</summary>
    public static ProblemException? Refuse(CacheSnapshot snapshot, CachedRecord<DiskSpec> disk, string pool)
    {
        var spec = disk.Record;
        string name = snapshot.Get(Keys.Pools.Spec, pool)?.Record.Name ?? pool;
        if (spec.Pool == pool) return ProblemException.Conflict("disk.samePool", $"Disk {spec.Name} lies in pool {name} already.", "Name another pool.");
        if (DiskUse.RefuseForClones($"Disk {spec.Name}", DiskUse.ClonesOf(snapshot, disk.Id)) is { } needed) return needed;
        if (spec.Image is null && spec.Base is null) return null;
        var snapshots = DiskUse.SnapshotsOf(snapshot, disk.Id);
        return snapshots.Count == 0
            ? null
            : ProblemException.Conflict(
                "disk.hasSnapshots", $"Disk {spec.Name} stands on {(spec.Image is null ? "another disk" : "an image")}, so its layers become one when it moves, and snapshots need them: {Images.ImageRules.Listed(snapshots)}.",
                "Delete these snapshots first.");
    }
}
