using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Placement;
using Lamina.Server.Vms.Run;

namespace Lamina.Server.Migration;

/// <summary>What a VM needs that only its dead host has (pure): without it nothing can be taken over, and no word helps.</summary>
internal static class TakeoverReach
{
    public static IEnumerable<Failure> Missing(CacheSnapshot snapshot, CachedRecord<VmSpec> vm, PlacementHost host)
    {
        string name = vm.Record.Name;
        foreach (var disk in vm.Record.Disks.Select(disk => snapshot.Get(Keys.Disks.Spec, disk.Disk)).OfType<CachedRecord<DiskSpec>>().Where(disk => !host.Reaches(disk.Record.Pool)))
        {
            yield return Missed(
                "takeOver.diskMissing",
                $"Disk {disk.Record.Name} of VM '{name}' lies in pool '{PoolName(snapshot, disk.Record.Pool)}', which host '{host.Name}' does not reach.",
                "Bring the host back that has it, or restore the disk from a backup. VMs whose disks lie in a shared pool can be taken over.");
        }

        foreach (string medium in VmRecords.MediaOf(vm.Record))
        {
            if (snapshot.Get(Keys.Isos.Spec, medium)?.Record is { } iso && host.Reaches(iso.Pool)) continue;
            string what = snapshot.Get(Keys.Isos.Spec, medium)?.Record.Name ?? medium;
            yield return Missed("takeOver.mediumMissing", $"Host '{host.Name}' does not reach '{what}', which VM '{name}' has in a drive or boots from.", $"Take it out: lamina vm cdrom eject {name} --no-wait.");
        }

        string home = VmHome.PoolOf(snapshot, vm.Record);
        bool hasFiles = vm.Record.Firmware == VmFirmware.Uefi || vm.Record.Tpm is not null || snapshot.Get(Keys.Vms.Status, vm.Id)?.Record.Memory is not null;
        if (hasFiles && !host.Reaches(home))
        {
            yield return Missed(
                "takeOver.homeMissing",
                $"Firmware variables, TPM or memory of VM '{name}' lie in pool '{PoolName(snapshot, home)}', which host '{host.Name}' does not reach.",
                "Bring the host back that has them.");
        }
    }

    private static string PoolName(CacheSnapshot snapshot, string id) => snapshot.Get(Keys.Pools.Spec, id)?.Record.Name ?? id;

    private static Failure Missed(string code, string message, string remedy) => new() { Code = code, Message = message, Remedy = remedy };
}
