using Lamina.Api;
using Lamina.Api.Input;

namespace Lamina.Server.Vms.Rules;

/// <summary>A request in which the guest's operating system has filled what was not named, and what of the rest is likely not meant.</summary>
/// <param name="Create">Complete as far as advice goes.</param>
/// <param name="Warnings">Whole sentences.</param>
internal sealed record AdvisedCreate(VmCreate Create, IReadOnlyList<string> Warnings);

/// <summary>Fills a request by the advice for its operating system (pure). What the request names itself wins, and is told of where it does not fit.</summary>
internal static class VmSystemRules
{
    /// <summary>Boots neither by advice nor by the medium: <c>--os none</c>.</summary>
    public const string None = "none";

    private const string VirtioMediumLabel = "virtio-win";

    /// <summary>Adds a problem for a system that nobody knows.</summary>
    public static AdvisedCreate Advise(VmCreate create, VmLookups lookups, InputProblems problems)
    {
        var isos = (create.Isos ?? []).Select(lookups.FindIso).OfType<Iso>().ToList();
        if (create.OperatingSystem == None) return new(create with { OperatingSystem = null }, []);
        string? id = create.OperatingSystem ?? isos.Select(iso => iso.Status?.OperatingSystem).OfType<string>().FirstOrDefault();
        if (id is null) return new(create, []);
        if (lookups.OperatingSystems.Find(id) is not { } system)
        {
            // A medium's system may have left the database; only a person's word is a mistake.
            if (create.OperatingSystem is not null)
                problems.Add("$.operatingSystem", "os.notFound", $"No operating system '{Suggestions.Shorten(id)}' is known: 'lamina os list --all' shows those that are; '{None}' leaves everything as it is.");
            return new(create with { OperatingSystem = null }, []);
        }

        bool hasVirtio = isos.Any(iso => iso.Status?.Label?.StartsWith(VirtioMediumLabel, StringComparison.OrdinalIgnoreCase) == true);
        var filled = Fill(create, system, hasVirtio, lookups);
        return new(filled, [.. Warnings(filled, system, hasVirtio)]);
    }

    private static VmCreate Fill(VmCreate create, GuestOperatingSystem system, bool hasVirtio, VmLookups lookups)
    {
        var advice = system.Advice;
        bool virtio = advice.NeedsVirtioMedium && hasVirtio;
        var bus = virtio ? DiskBus.Virtio : advice.DiskBus;
        var model = virtio ? NicModel.Virtio : advice.NicModel;
        var firmware = create.Firmware ?? (create.Floppy is null && create.Kernel is null ? advice.Firmware : VmFirmware.Bios);
        bool wantsDisk = create is { OperatingSystem: not null, Disks: null, Image: null, Isos.Count: > 0 };
        var disks = wantsDisk ? [new VmDiskCreate { SizeBytes = advice.DiskBytes }] : create.Disks ?? (create.Image is null ? null : [new VmDiskCreate { Image = create.Image }]);
        return create with
        {
            OperatingSystem = system.Id,
            Cpus = create.Cpus ?? Math.Min(advice.Cpus, MostCpus(lookups)),
            MemoryMiB = create.MemoryMiB ?? Memory(system, lookups),
            Firmware = firmware,
            SecureBoot = create.SecureBoot ?? (advice.SecureBoot && firmware == VmFirmware.Uefi),
            Tpm = create.Tpm ?? advice.Tpm,
            Clock = create.Clock ?? advice.Clock,
            HyperV = create.HyperV ?? advice.HyperV,
            CdromBus = create.CdromBus ?? advice.CdromBus,
            Disks = disks is null ? null : [.. disks.Select((disk, slot) => disk with { Bus = disk.Bus ?? (bus == DiskBus.Sata && slot >= VmDiskRules.SataSlots(create) ? DiskBus.Scsi : bus) })],
            Nics = [.. (create.Nics ?? [new VmNicCreate()]).Select(nic => nic with { Model = nic.Model ?? model })],
        };
    }

    private static IEnumerable<string> Warnings(VmCreate create, GuestOperatingSystem system, bool hasVirtio)
    {
        string name = system.Name;
        var advice = system.Advice;
        if (system.Minimum?.MemoryMiB is { } memory && create.MemoryMiB < memory) yield return $"{name} needs at least {memory} MiB of memory; this VM has {create.MemoryMiB}.";
        if (system.Minimum?.Cpus is { } cpus && create.Cpus < cpus) yield return $"{name} needs at least {cpus} CPUs; this VM has {create.Cpus}.";
        if (system.Minimum?.DiskBytes is { } bytes && create.Disks is [{ SizeBytes: { } size }, ..] && size < bytes) yield return $"{name} needs a disk of at least {Sizes.Format(bytes)}; the first one has {Sizes.Format(size)}.";
        if (advice.Firmware == VmFirmware.Uefi && create.Firmware == VmFirmware.Bios) yield return $"{name} boots by UEFI only; this VM has BIOS firmware.";
        if (advice.SecureBoot && create.SecureBoot != true) yield return $"{name} demands Secure Boot; this VM has none.";
        if (advice.Tpm && create.Tpm != true) yield return $"{name} demands a TPM; this VM has none.";
        if (advice.NeedsVirtioMedium && !hasVirtio && create.Disks?.Any(disk => disk.Bus is DiskBus.Virtio or DiskBus.Scsi) == true)
            yield return $"{name} has no driver for virtio disks: its installer finds none until it is given one. Put the virtio-win ISO into a second drive (--iso), or use --disk-bus sata.";
    }

    /// <summary>What is recommended where a host has it, else what is needed.</summary>
    private static int Memory(GuestOperatingSystem system, VmLookups lookups)
    {
        int wanted = system.Advice.MemoryMiB;
        bool fits = lookups.Hosts.Count == 0 || lookups.Hosts.Any(host => wanted <= VmBounds.MostMemory(host));
        return fits ? wanted : system.Minimum?.MemoryMiB ?? wanted;
    }

    private static int MostCpus(VmLookups lookups) => lookups.Hosts.Count == 0 ? VmBounds.MostCpus : Math.Max(1, lookups.Hosts.Max(host => host.Cores));
}
