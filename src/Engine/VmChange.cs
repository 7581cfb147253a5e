namespace Lamina.Engine;

/// <summary>
/// One change of a running VM (<see cref="IVm.ChangeAsync"/>). Each is safe to repeat, and says where things shall be, not how to get there:
/// a device that is plugged already, or gone already, is fine.
/// </summary>
public abstract record VmChange
{
    public sealed record PlugDisk(DiskDefinition Disk) : VmChange;

    public sealed record UnplugDisk(int Slot) : VmChange;

    /// <summary>Grows a disk; it never shrinks.</summary>
    public sealed record ResizeDisk(int Slot, long SizeBytes) : VmChange;

    public sealed record ThrottleDisk(int Slot, ThrottleDefinition? Throttle) : VmChange;

    public sealed record PlugCdrom(CdromDefinition Cdrom) : VmChange;

    public sealed record UnplugCdrom(int Slot) : VmChange;

    /// <summary>Null path = none. <paramref name="Force"/>: also when the guest holds the tray.</summary>
    public sealed record ChangeMedium(int Slot, string? Path, bool Force) : VmChange;

    public sealed record PlugNic(NicDefinition Nic) : VmChange;

    public sealed record UnplugNic(int Slot) : VmChange;

    /// <summary>Sets the cable, and records what the caller did with the tap.</summary>
    public sealed record SetNic(int Slot, bool LinkUp, string? Network) : VmChange;

    /// <summary>
    /// Adds CPUs, up to the machine's limit, and takes such out again. Under KVM only: TCG ends in an assertion when its cache has no region left for a further
    /// CPU (QEMU 7.2, tcg/region.c), and corrupts its heap when one is taken out.
    /// </summary>
    public sealed record SetCpus(int Cpus) : VmChange;

    /// <summary>Asks the guest for this much of the room between its memory and the limit.</summary>
    public sealed record SetMemory(int PluggedMemoryMiB) : VmChange;

    public sealed record SetLimits(LimitsDefinition Limits) : VmChange;

    /// <summary>The definition once this is done. Pure.</summary>
    public VmDefinition ApplyTo(VmDefinition vm) => this switch
    {
        PlugDisk plug => vm with { Disks = Put(vm.Disks, plug.Disk, disk => disk.Slot), ScsiController = HasScsi(vm) || plug.Disk.Bus == DiskBus.Scsi },
        UnplugDisk unplug => vm with { Disks = [.. vm.Disks.Where(disk => disk.Slot != unplug.Slot)], ScsiController = HasScsi(vm) },
        ResizeDisk resize => vm with { Disks = [.. vm.Disks.Select(disk => disk.Slot == resize.Slot ? disk with { SizeBytes = resize.SizeBytes } : disk)] },
        ThrottleDisk bound => vm with { Disks = [.. vm.Disks.Select(disk => disk.Slot == bound.Slot ? disk with { Throttle = bound.Throttle } : disk)] },
        PlugCdrom plug => vm with { Cdroms = Put(vm.Cdroms, plug.Cdrom, cdrom => cdrom.Slot), ScsiController = HasScsi(vm) || plug.Cdrom.Bus == CdromBus.Scsi },
        UnplugCdrom unplug => vm with { Cdroms = [.. vm.Cdroms.Where(cdrom => cdrom.Slot != unplug.Slot)], ScsiController = HasScsi(vm) },
        ChangeMedium change => vm with { Cdroms = [.. vm.Cdroms.Select(cdrom => cdrom.Slot == change.Slot ? cdrom with { Path = change.Path } : cdrom)] },
        PlugNic plug => vm with { Nics = Put(vm.Nics, plug.Nic, nic => nic.Slot) },
        UnplugNic unplug => vm with { Nics = [.. vm.Nics.Where(nic => nic.Slot != unplug.Slot)] },
        SetNic set => vm with { Nics = [.. vm.Nics.Select(nic => nic.Slot == set.Slot ? nic with { LinkUp = set.LinkUp, Network = set.Network } : nic)] },
        SetCpus set => vm with { Cpus = set.Cpus },
        SetMemory set => vm with { PluggedMemoryMiB = set.PluggedMemoryMiB },
        SetLimits set => vm with { Limits = set.Limits },
        _ => throw new ArgumentOutOfRangeException(nameof(vm), this, "A change of no known kind."),
    };

    /// <summary>Its machine has a SCSI controller: one cannot be plugged into a root bus.</summary>
    public static bool HasScsi(VmDefinition vm) =>
        vm.ScsiController || vm.Cdroms.Any(cdrom => cdrom.Bus == CdromBus.Scsi) || vm.Disks.Any(disk => disk.Bus == DiskBus.Scsi);

    private static IReadOnlyList<T> Put<T>(IReadOnlyList<T> devices, T added, Func<T, int> slot) =>
        [.. devices.Where(device => slot(device) != slot(added)).Append(added).OrderBy(slot)];
}

/// <summary>The guest has not done what only it can do: give a device back, open its tray, take or give memory. It may still do so later.</summary>
public sealed class GuestDeclinedException(string message) : Exception(message);
