using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;

namespace Lamina.Server.Snapshots;

/// <summary>What a snapshot may be, and which VM it fits (pure).</summary>
internal static class SnapshotRules
{
    /// <summary>The removal of a VM with all its snapshots stays one transaction.</summary>
    public const int MostOfAVm = 24;
    private const int LongestDescription = 1000;

    public static void Check(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, SnapshotCreate body, InputProblems problems)
    {
        Names.CheckLabel(body.Name, "$.name", problems);
        if (snapshot.Get(Keys.Names, Keys.Snapshots.NameId(vm.Record.Project, vm.Id, body.Name)) is not null)
            problems.Add("$.name", "name.taken", $"VM '{vm.Record.Name}' has a snapshot '{body.Name}' already: take another name, or delete that one first.");
        if (body.Description?.Length > LongestDescription) problems.Add("$.description", "value.tooLong", $"A description has at most {LongestDescription} characters.");
        if (LayerUse.SnapshotsOf(snapshot, vm.Id).Count() >= MostOfAVm)
            problems.Add("$", "snapshot.tooMany", $"VM '{vm.Record.Name}' has {MostOfAVm} snapshots: delete one that is not needed first.");
        if (body is { WithMemory: true, Quiesce: true })
            problems.Add("$.quiesce", "snapshot.quiescedMemory", "A snapshot with memory keeps what the guest has not written down as well: leave quiesce out.");
    }

    /// <exception cref="ProblemException"><c>snapshot.otherDisks</c>, which names the difference.</exception>
    public static void RequireSameDisks(VmSpec now, SnapshotSpec then, SnapshotStatus status)
    {
        string[] gone = [.. status.Disks.Where(disk => now.Disks.All(other => (other.Slot, other.Disk) != (disk.Slot, disk.Disk))).Select(disk => $"disk {disk.Disk} in slot {disk.Slot} is not in it any more")];
        string[] added = [.. now.Disks.Where(disk => status.Disks.All(other => (other.Slot, other.Disk) != (disk.Slot, disk.Disk))).Select(disk => $"disk {disk.Disk} in slot {disk.Slot} was not in it then")];
        if (gone.Length + added.Length == 0) return;
        throw ProblemException.Conflict(
            "snapshot.otherDisks", $"VM '{now.Name}' has other disks than at snapshot '{then.Name}': {string.Join("; ", gone.Concat(added))}.",
            "Attach and detach disks until they are the same, or clone the snapshot: lamina vm clone --snapshot.");
    }

    /// <summary>The VM's spec with the hardware of then; its cards, media and limits stay as they are.</summary>
    public static VmSpec WithHardware(VmSpec now, VmSpec then) => now with { Cpus = then.Cpus, MemoryMiB = then.MemoryMiB, Machine = then.Machine, Firmware = then.Firmware };
}
