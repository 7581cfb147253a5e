using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Disks;

/// <summary>Who needs a disk (pure): the VM that has it, and the disks that are linked clones of it.</summary>
internal static class DiskUse
{
    /// <summary>Names of the disks that stand on frozen layers of this one.</summary>
    public static IReadOnlyList<string> ClonesOf(CacheSnapshot snapshot, string diskId) =>
        [.. snapshot.All(Keys.Disks.Spec).Where(disk => disk.Record.Base?.Disk == diskId).Select(disk => disk.Record.Name).Order(StringComparer.Ordinal)];

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

        return RefuseForClones($"Disk {spec.Name}", ClonesOf(snapshot, disk.Id));
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
