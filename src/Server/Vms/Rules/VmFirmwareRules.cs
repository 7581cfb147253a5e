using Lamina.Api;
using Lamina.Api.Input;

namespace Lamina.Server.Vms.Rules;

/// <summary>Firmware, Secure Boot, boot order of a VM (pure).</summary>
internal static class VmFirmwareRules
{
    public const int HighestBootIndex = 1000;

    /// <summary>Where Secure Boot is asked for, UEFI is meant.</summary>
    public static VmFirmware FirmwareOf(VmCreate create) => create.Firmware ?? (create.SecureBoot == true ? VmFirmware.Uefi : VmFirmware.Bios);

    public static void Check(VmCreate create, InputProblems problems)
    {
        var firmware = FirmwareOf(create);
        if (create.SecureBoot == true && firmware != VmFirmware.Uefi)
            problems.Add("$.secureBoot", "vm.secureBootBios", "BIOS firmware has no Secure Boot: leave the firmware out, which is UEFI then, or leave Secure Boot out.");
        if (create.Floppy is not null && firmware == VmFirmware.Uefi)
            problems.Add(create.Firmware is null ? "$.secureBoot" : "$.firmware", "vm.floppyUefi", "UEFI firmware cannot boot a floppy: leave the firmware out, which is BIOS, or leave the floppy out.");
        if (create is { SecureBoot: true, Kernel: not null })
            problems.Add("$.kernel", "vm.kernelSecureBoot", "A kernel that is booted directly is not checked by Secure Boot: leave one of both out.");
    }

    /// <summary>Two devices with one place: QEMU would refuse the machine.</summary>
    public static void CheckOrder(VmSpec spec, InputProblems problems)
    {
        for (int slot = 0; slot < spec.Nics.Count; slot++)
        {
            if (spec.Nics[slot].BootIndex is not { } index) continue;
            string path = $"$.nics[{slot}].bootIndex";
            if (index is < 0 or > HighestBootIndex) problems.Add(path, "value.outOfRange", $"A place in the boot order lies between 0 and {HighestBootIndex}.");
            else if (Places(spec).Count(place => place == index) > 1) problems.Add(path, "vm.bootIndexTwice", $"Another device has place {index} in the boot order: disks begin at {VmMediaRules.FirstDiskBootIndex}, CD-ROMs at {VmMediaRules.FirstCdromBootIndex}.");
        }
    }

    /// <summary>
    /// Hyper-V's interfaces that QEMU's documentation (docs/system/i386/hyperv) recommends, as far as Linux 6.1 and QEMU 7.2 have them on every
    /// processor. Recorded with the VM, so that no upgrade changes the list under a guest.
    /// </summary>
    public static IReadOnlyList<string> HyperV { get; } =
    [
        "hv-relaxed", "hv-vapic", "hv-spinlocks=0x1fff", "hv-vpindex", "hv-runtime", "hv-time", "hv-synic", "hv-stimer", "hv-frequencies", "hv-tlbflush", "hv-ipi",
    ];

    /// <summary>The spec for one start that prefers a kind of device; the order among the others stays.</summary>
    /// <exception cref="ProblemException">The VM has no such device.</exception>
    public static VmSpec BootOnce(VmSpec spec, BootDevice device)
    {
        int count = device switch
        {
            BootDevice.Disk => spec.Disks.Count,
            BootDevice.Cdrom => spec.Cdroms.Count,
            _ => spec.Nics.Count,
        };
        if (count == 0) throw new ProblemException(ProblemKind.Unprocessable, "vm.noBootDevice", $"VM '{spec.Name}' has no {Word(device)} to boot from.", "Give it one, or start it with its own boot order.");
        // Whatever has a place moves behind the preferred ones, and keeps its order.
        int? Behind(int? index) => index is { } place ? place + HighestBootIndex + 1 : null;
        return spec with
        {
            Disks = [.. spec.Disks.Select((disk, at) => disk with { BootIndex = device == BootDevice.Disk ? at : Behind(disk.BootIndex) })],
            Cdroms = [.. spec.Cdroms.Select((cdrom, at) => cdrom with { BootIndex = device == BootDevice.Cdrom ? at : Behind(cdrom.BootIndex) })],
            Nics = [.. spec.Nics.Select((nic, at) => nic with { BootIndex = device == BootDevice.Network ? at : Behind(nic.BootIndex) })],
        };
    }

    private static string Word(BootDevice device) => device switch
    {
        BootDevice.Disk => "disk",
        BootDevice.Cdrom => "CD-ROM drive",
        _ => "network card",
    };

    private static IEnumerable<int> Places(VmSpec spec) => spec.Disks.Select(disk => disk.BootIndex).Concat(spec.Cdroms.Select(cdrom => cdrom.BootIndex))
        .Concat(spec.Nics.Select(nic => nic.BootIndex)).Append(spec.Floppy is null ? null : VmMediaRules.FloppyBootIndex).OfType<int>();
}
