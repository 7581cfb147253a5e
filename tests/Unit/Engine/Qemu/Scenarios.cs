using Lamina.Engine;

namespace Lamina.Tests.Unit.Engine.Qemu;

/// <summary>The kinds of VM whose command lines are checked in.</summary>
internal static class Scenarios
{
    private const string Q35 = "pc-q35-7.2";
    private const string Pc = "pc-i440fx-7.2";
    private const string Pool = "/var/lib/lamina/pools/default";

    public static readonly IReadOnlyDictionary<string, VmDefinition> All = new Dictionary<string, VmDefinition>
    {
        ["q35-bios-tcg"] = Small(Q35) with
        {
            Disks = [Disk(0) with { BootIndex = 1 }],
            Nics = [TapNic(0)],
        },
        ["q35-bios-kvm"] = Small(Q35) with
        {
            Accelerator = Accelerator.Kvm,
            CpuModel = "EPYC-Rome-v2",
            CpuFlags = ["-svm", "+ibpb"],
            Disks = [Disk(0) with { BootIndex = 1, DirectIo = true }],
            Nics = [TapNic(0)],
        },
        ["q35-uefi-cloud-init"] = Small(Q35) with
        {
            Firmware = new FirmwareDefinition
            {
                Kind = FirmwareKind.Uefi, CodePath = "/usr/share/OVMF/OVMF_CODE_4M.fd", NvramPath = $"{Pool}/vms/x/nvram",
            },
            Disks = [Disk(0) with { BootIndex = 1, Backing = [Image("base")] }],
            Cdroms = [new CdromDefinition { Slot = 0, Path = $"{Pool}/vms/x/seed.iso" }],
            Nics = [TapNic(0)],
        },
        ["pc-floppy"] = Small(Pc) with
        {
            MemoryMiB = 64,
            Floppy = new FloppyDefinition { Path = $"{Pool}/isos/freedos/image", BootIndex = 1 },
            Disks = [Disk(0) with { Format = DiskFormat.Raw, BootIndex = 2 }],
            Nics = [TapNic(0) with { Model = NicModel.E1000, Mtu = null }],
            Balloon = new BalloonDefinition { Enabled = false },
            AgentChannel = false,
            Rng = false,
        },
        ["q35-merged-memory"] = Small(Q35) with { MergeMemory = true },
        ["q35-kernel-user-nic"] = Small(Q35) with
        {
            Kernel = new KernelDefinition
            {
                KernelPath = "/boot/vmlinuz", InitrdPath = "/boot/initrd", CommandLine = "console=ttyS0 root=/dev/vda1,x",
            },
            Nics = [new NicDefinition { Slot = 0, Mac = "52:54:00:00:00:01", Forwards = [new PortForward { HostPort = 2222, GuestPort = 22 }] }],
            Video = new VideoDefinition { Model = VideoModel.None },
        },
        ["q35-many-disks"] = Small(Q35) with
        {
            Name = "db, the big one",
            Cpus = 4,
            MaxCpus = 8,
            MemoryMiB = 4096,
            MaxMemoryMiB = 16384,
            TbSizeMiB = 128,
            Disks =
            [
                Disk(0) with { BootIndex = 2, Backing = [Image("middle"), Image("base") with { Format = DiskFormat.Raw }] },
                Disk(1) with { Serial = "data,1", Discard = false },
                Disk(15) with { ReadOnly = true, Format = DiskFormat.Raw },
                Disk(16) with { Bus = DiskBus.Scsi },
                Disk(23) with { Bus = DiskBus.Scsi, DirectIo = true },
            ],
            Cdroms = [new CdromDefinition { Slot = 0, Path = $"{Pool}/isos/i/image", BootIndex = 1 }, new CdromDefinition { Slot = 7 }],
            Nics = [TapNic(0), TapNic(7)],
        },
        ["q35-windows-kvm"] = Small(Q35) with
        {
            Accelerator = Accelerator.Kvm,
            CpuModel = "EPYC-Rome-v2",
            HyperV = ["hv-relaxed", "hv-vapic", "hv-spinlocks=0x1fff"],
            Cpus = 2,
            MaxCpus = 4,
            MemoryMiB = 4096,
            LocalTimeClock = true,
            Firmware = new FirmwareDefinition
            {
                Kind = FirmwareKind.Uefi, SecureBoot = true, CodePath = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", NvramPath = $"{Pool}/vms/x/nvram",
            },
            Tpm = new TpmDefinition { StateFolder = $"{Pool}/vms/x/tpm" },
            Disks = [Disk(0) with { Bus = DiskBus.Sata, BootIndex = 10 }],
            Cdroms =
            [
                new CdromDefinition { Slot = 0, Path = $"{Pool}/isos/win/image", Bus = CdromBus.Sata, BootIndex = 50 },
                new CdromDefinition { Slot = 1, Path = $"{Pool}/isos/virtio-win/image", Bus = CdromBus.Sata, BootIndex = 51 },
            ],
            Nics = [TapNic(0) with { Model = NicModel.E1000, Mtu = null }],
        },
        ["q35-network-boot-watchdog"] = Small(Q35) with
        {
            Disks = [Disk(0) with { BootIndex = 10 }],
            Nics = [TapNic(0) with { BootIndex = 1 }, TapNic(1)],
            Watchdog = WatchdogPolicy.Pause,
            BootMenu = true,
            HyperV = ["hv-relaxed"],
        },
        ["pc-ide-watchdog"] = Small(Pc) with
        {
            Disks = [Disk(1) with { Bus = DiskBus.Sata, BootIndex = 1 }],
            Cdroms = [new CdromDefinition { Slot = 1, Bus = CdromBus.Sata }],
            Watchdog = WatchdogPolicy.None,
        },
        ["q35-after-hotplug"] = AfterHotplug(),
    };

    /// <summary>A VM with what came and went while it ran.</summary>
    private static VmDefinition AfterHotplug() => new VmChange[]
    {
        new VmChange.UnplugDisk(0),
        new VmChange.PlugDisk(Disk(3) with { Serial = "plugged" }),
        new VmChange.PlugDisk(Disk(4) with { Bus = DiskBus.Scsi }),
        new VmChange.UnplugCdrom(0),
        new VmChange.PlugNic(TapNic(5)),
        new VmChange.SetCpus(3),
        new VmChange.SetMemory(256),
    }.Aggregate(
        Small(Q35) with
        {
            MaxCpus = 4, MaxMemoryMiB = 1024, Disks = [Disk(0) with { BootIndex = 1 }, Disk(1)],
            Cdroms = [new CdromDefinition { Slot = 0, Path = $"{Pool}/isos/i/image" }], Nics = [TapNic(0)],
        },
        (vm, change) => change.ApplyTo(vm));

    public static VmDefinition Small(string machineType) => new()
    {
        Id = new Guid("0f7ad5a0-3b2c-4c55-9b9e-000000000001"),
        Name = "web1",
        Instance = "0",
        Epoch = 1,
        Run = 1,
        MachineType = machineType,
        Accelerator = Accelerator.Tcg,
        CpuModel = "Westmere-v1",
        Cpus = 1,
        MaxCpus = 1,
        MemoryMiB = 512,
        Uid = 200000,
        Gid = 200000,
        RuntimeFolder = "/run/lamina/vms/0f7ad5a0-3b2c-4c55-9b9e-000000000001",
    };

    private static DiskDefinition Disk(int slot) => new()
    {
        Slot = slot,
        Path = $"{Pool}/disks/d{slot}/disk",
        Format = DiskFormat.Qcow2,
    };

    private static DiskFile Image(string name) => new() { Path = $"{Pool}/images/{name}/disk", Format = DiskFormat.Qcow2 };

    private static NicDefinition TapNic(int slot) => new()
    {
        Slot = slot, Mac = $"52:54:00:00:00:0{slot}", TapName = $"lmtap{slot}", Mtu = 1450,
    };
}
