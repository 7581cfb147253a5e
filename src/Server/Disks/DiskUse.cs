using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Disks;

/// <summary>Who needs a disk (pure): the VM that has it, and the disks that are linked clones of it.</summary>
internal static class DiskUse
{
    /// <summary>Names of the disks that stand on frozen layers of this one.</summary>
    public static IReadOnlyList<string> ClonesOf(CacheSnapshot snapshot, string diskId) =>
        [.. snapshot.All(Keys.Disks.Spec).Where(disk => disk.Record.Base?.Disk == diskId).Select(disk => disk.Record.Name).Order(StringComparer.Ordinal)];

    /// <summary>Names of the snapshots, of whichever VM, that hold layers of a disk or are being taken of it.</summary>
    /// <param name="snapshot">Everything on record.</param>
    /// <param name="diskId">The disk.</param>
    /// <param name="exceptVm">Snapshots of this VM are left out.</param>
    public static IReadOnlyList<string> SnapshotsOf(CacheSnapshot snapshot, string diskId, string? exceptVm = null) =>
    [
        .. snapshot.All(Keys.Snapshots.Spec)
            .Where(known => known.Record.Vm != exceptVm && (snapshot.Get(Keys.Snapshots.Status, known.Id)?.Record is { } status
                ? status.Disks.Any(layer => layer.Disk == diskId)
                : known.Record.Hardware.Disks.Any(disk => disk.Disk == diskId)))
            .Select(known => known.Record.Name).Order(StringComparer.Ordinal),
    ];

    /// <summary>Null: no snapshot needs what the disk was; else which do.</summary>
    /// <param name="name">What it is, at the beginning of a sentence.</param>
    /// <param name="snapshots">Names of snapshots.</param>
    public static ProblemException? RefuseForSnapshots(string name, IReadOnlyList<string> snapshots) => snapshots.Count == 0
        ? null
        : ProblemException.Conflict(
            "disk.hasSnapshots",
            $"{name} is part of {snapshots.Count} snapshot{(snapshots.Count == 1 ? "" : "s")}, which would be lost with it: {Images.ImageRules.Listed(snapshots)}.",
            "Delete these snapshots first (lamina vm snapshot delete), or keep the disk.");

    /// <summary>The clones of any of a VM's disks that do not belong to the VM itself.</summary>
    public static IReadOnlyList<string> ClonesOf(CacheSnapshot snapshot, string vmId, VmSpec vm)
    {
        var own = vm.Disks.Select(disk => disk.Disk).ToHashSet(StringComparer.Ordinal);
        return
        [
            .. snapshot.All(Keys.Disks.Spec)
                .Where(disk => disk.Record.Base is { } below && own.Contains(below.Disk) && disk.Record.Vm != vmId)
                .Select(disk => disk.Record.Name).Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>Null: the disk may be deleted by itself.</summary>
    public static ProblemException? RefuseDelete(CacheSnapshot snapshot, CachedRecord<DiskSpec> disk)
    {
        var spec = disk.Record;
        if (spec.Protected) return ProblemException.Conflict("disk.protected", $"Disk {spec.Name} is protected from deletion.", "Take the protection off first.");
        if (spec.Vm is { } vm)
        {
            string name = snapshot.Get(Keys.Vms.Spec, vm)?.Record.Name ?? vm;
            return ProblemException.Conflict("disk.attached", $"Disk {spec.Name} belongs to VM '{name}'.", $"Take it out first (lamina vm disk detach {name} {spec.Name}), or delete the VM with its disks.");
        }

        return RefuseForClones($"Disk {spec.Name}", ClonesOf(snapshot, disk.Id)) ?? RefuseForSnapshots($"Disk {spec.Name}", SnapshotsOf(snapshot, disk.Id));
    }

    /// <summary>Null: no linked clone needs it; else which do.</summary>
    /// <param name="name">What it is, at the beginning of a sentence.</param>
    /// <param name="clones">Names of disks.</param>
    public static ProblemException? RefuseForClones(string name, IReadOnlyList<string> clones) => clones.Count == 0
        ? null
        : ProblemException.Conflict(
            "disk.hasClones",
            $"{name} is the base of {clones.Count} linked clone{(clones.Count == 1 ? "" : "s")}: {Images.ImageRules.Listed(clones)}.",
            "Delete these disks first, or make them whole ones: lamina disk move DISK --pool POOL.");
}
