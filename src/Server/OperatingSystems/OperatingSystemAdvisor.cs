using Lamina.Api;

namespace Lamina.Server.OperatingSystems;

/// <summary>Chooses the machine for an operating system (pure): what it boots on, which devices it has drivers for, how much it needs.</summary>
internal static class OperatingSystemAdvisor
{
    private const int DefaultCpus = 1;
    private const int DefaultMemoryMiB = 512;
    private const long DefaultDiskBytes = 20L << 30;

    // Red Hat's PCI ids of virtio (Virtual I/O Device specification, 4.1.2): transitional and modern.
    private static readonly string[] VirtioDisk = ["http://pcisig.com/pci/1af4/1001", "http://pcisig.com/pci/1af4/1042"];
    private static readonly string[] VirtioNic = ["http://pcisig.com/pci/1af4/1000", "http://pcisig.com/pci/1af4/1041"];
    private static readonly string[] VirtioScsi = ["http://pcisig.com/pci/1af4/1004", "http://pcisig.com/pci/1af4/1048"];

    /// <summary>The first Windows that looks for Hyper-V's interfaces: Vista and Server 2008 (Microsoft's Hypervisor Top Level Functional Specification).</summary>
    private static readonly DateOnly FirstEnlightened = new(2006, 11, 1);

    /// <summary>Virtio came into Linux with 2.6.24, virtio-scsi with 3.4; a distribution of half a year later has it.</summary>
    private static readonly DateOnly LinuxVirtio = new(2008, 7, 1);
    private static readonly DateOnly LinuxVirtioScsi = new(2012, 12, 1);

    /// <param name="entry">As its file tells.</param>
    /// <param name="devices">What it and its ancestors support.</param>
    public static GuestOperatingSystem Advise(OsinfoEntry entry, IReadOnlySet<string> devices)
    {
        bool isWindows = entry.Family?.StartsWith("win", StringComparison.Ordinal) == true;
        bool isNewWindows = entry.Family == "winnt" && entry.Released >= FirstEnlightened;
        bool secure = entry.NeedsSecureBootAndTpm == true;
        bool uefi = secure || (entry.Firmware.GetValueOrDefault("efi") && entry.Firmware.TryGetValue("bios", out bool bios) && !bios);
        bool hasDisk = Has(VirtioDisk, LinuxVirtio);
        bool hasScsi = Has(VirtioScsi, LinuxVirtioScsi);
        return new GuestOperatingSystem
        {
            Id = entry.ShortIds[0],
            Name = entry.Name ?? entry.ShortIds[0],
            Version = entry.Version,
            Vendor = entry.Vendor,
            Family = entry.Family,
            Aliases = [.. entry.ShortIds.Skip(1)],
            Released = entry.Released,
            EndOfLife = entry.EndOfLife,
            Minimum = entry.Minimum,
            Recommended = entry.Recommended,
            Advice = new OperatingSystemAdvice
            {
                Firmware = uefi ? VmFirmware.Uefi : VmFirmware.Bios,
                SecureBoot = secure,
                Tpm = secure,
                DiskBus = hasDisk ? DiskBus.Virtio : DiskBus.Sata,
                CdromBus = hasScsi ? CdromBus.Scsi : CdromBus.Sata,
                NicModel = Has(VirtioNic, LinuxVirtio) ? NicModel.Virtio : NicModel.E1000,
                Clock = isWindows || entry.Family == "msdos" ? VmClock.LocalTime : VmClock.Utc,
                HyperV = isNewWindows,
                NeedsVirtioMedium = isNewWindows && !hasDisk,
                Cpus = entry.Recommended?.Cpus ?? entry.Minimum?.Cpus ?? DefaultCpus,
                MemoryMiB = entry.Recommended?.MemoryMiB ?? entry.Minimum?.MemoryMiB ?? DefaultMemoryMiB,
                DiskBytes = entry.Recommended?.DiskBytes ?? entry.Minimum?.DiskBytes ?? DefaultDiskBytes,
            },
        };

        // Few distributions list their devices; the kernel tells the age.
        bool Has(string[] ids, DateOnly linuxSince) => ids.Any(devices.Contains) || (entry.Family == "linux" && (entry.Released is null || entry.Released >= linuxSince));
    }
}
