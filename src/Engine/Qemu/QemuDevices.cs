namespace Lamina.Engine.Qemu;

/// <summary>What can be plugged and unplugged, as QEMU's options. Pure.</summary>
internal static class QemuDevices
{
    public const string ScsiControllerId = "scsi0";
    public const string MemoryId = "mem0";
    public const string MemoryBackendId = "mem0-ram";

    public static string DiskId(int slot) => $"disk{slot}";
    public static string CdromId(int slot) => $"cd{slot}";
    public static string NicId(int slot) => $"nic{slot}";
    public static string NetdevId(int slot) => $"net{slot}";

    public static DeviceOptions ScsiController(MachineLayout layout) => new DeviceOptions("virtio-scsi-pci", ScsiControllerId).At(layout.Scsi);

    public static DeviceOptions Disk(DiskDefinition disk, MachineLayout layout)
    {
        var id = DiskId(disk.Slot);
        var device = disk.Bus switch
        {
            DiskBus.Virtio => new DeviceOptions("virtio-blk-pci", id).At(layout.VirtioDisk(disk.Slot)),
            DiskBus.Sata => new DeviceOptions("ide-hd", id).At(layout.SataDisk(disk.Slot)),
            _ => OnScsi(new DeviceOptions("scsi-hd", id), MachineLayout.ScsiDiskTarget(disk.Slot)),
        };
        return device.With("drive", id).With("write-cache", "on").With("werror", "stop").With("rerror", "stop")
            .With("serial", disk.Serial).With("bootindex", disk.BootIndex);
    }

    /// <param name="withMedium">False = the drive comes empty, whatever it shall hold.</param>
    public static DeviceOptions Cdrom(CdromDefinition cdrom, MachineLayout layout, bool withMedium = true)
    {
        var id = CdromId(cdrom.Slot);
        var device = cdrom.Bus == CdromBus.Sata
            ? new DeviceOptions("ide-cd", id).At(layout.SataCdrom(cdrom.Slot))
            : OnScsi(new DeviceOptions("scsi-cd", id), MachineLayout.CdromTarget(cdrom.Slot));
        return device.With("drive", withMedium && cdrom.Path != null ? id : null).With("bootindex", cdrom.BootIndex);
    }

    public static DeviceOptions Nic(NicDefinition nic, MachineLayout layout, QemuFeatures features)
    {
        var device = new DeviceOptions(nic.Model == NicModel.Virtio ? "virtio-net-pci" : "e1000", NicId(nic.Slot)).At(layout.Nic(nic.Slot))
            .With("netdev", NetdevId(nic.Slot)).With("mac", nic.Mac);
        // No boot ROM unless it is booted from: it costs time at each start.
        device = nic.BootIndex is { } index ? device.With("bootindex", index) : device.With("romfile", "");
        if (nic.Model != NicModel.Virtio) return device;
        device = device.With("host_mtu", nic.Mtu);
        return features.VirtioNetUso ? device.With("host_uso", false).With("guest_uso4", false).With("guest_uso6", false) : device;
    }

    /// <summary>The room into which a guest's memory grows; at the start it has what was plugged in the run before a restore.</summary>
    public static DeviceOptions Memory(VmDefinition vm, MachineLayout layout) => new DeviceOptions("virtio-mem-pci", MemoryId).At(layout.Memory)
        .With("memdev", MemoryBackendId).With("requested-size", $"{vm.PluggedMemoryMiB}M");

    private static DeviceOptions OnScsi(DeviceOptions device, int target) =>
        device.With("bus", "scsi0.0").With("channel", 0).With("scsi-id", target).With("lun", 0);
}
