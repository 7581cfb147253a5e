namespace Lamina.Engine.Qemu;

/// <summary>
/// Layout 1: where each slot's device sits in the guest. Released layouts never change, so a guest finds its devices where they
/// were, whatever is added, removed or upgraded (D8).
/// <code>
///   q35:   0x1 video   0x2.0-7 root ports of NICs 0-7   0x3.0-7, 0x4.0-7 root ports of disks 0-15   0x5-0x7 free for more ports
///          0x8 scsi   0x9 virtio-serial   0xa balloon   0xb rng   0xc usb   0xd watchdog   0xe memory   0x1f chipset
///   i440fx: 0x1 chipset   0x2 video   0x3 scsi   0x4 virtio-serial   0x5 balloon   0x6 rng   0x7 usb   0x8-0xf NICs 0-7   0x10-0x1e disks 0-14
///          0x1f watchdog
///   scsi:  CD-ROMs 0-7 are targets 0-7, disks 0-23 are targets 8-31 (OVMF looks no further than 31)
///   sata:  on the machine's own controller. q35 (AHCI, 0x1f.2): disks 0-2 are ports 0-2, CD-ROMs 0-2 ports 3-5. i440fx (IDE, 0x1.1): disks 0-1
///          are master and slave of the first channel, CD-ROMs 0-1 of the second
///   tpm:   at 0xfed40000, where the TCG's PC client specification has it; no PCI device
/// </code>
/// All root ports are always there: guests number their buses by them.
/// </summary>
internal sealed class MachineLayout
{
    public const int MaxNics = 8;
    public const int MaxVirtioDisksQ35 = 16;
    public const int MaxVirtioDisksPc = 15;
    public const int MaxScsiDisks = 24;
    public const int MaxCdroms = 8;
    public const int MemorySlots = 16;
    public const int SataPortsQ35 = 3;
    public const int SataPortsPc = 2;
    public const int RootPorts = MaxNics + MaxVirtioDisksQ35;

    private const int FunctionsPerDevice = 8;
    private const int FirstRootPortDevice = 0x2;
    private const int FirstScsiDiskTarget = MaxCdroms;

    private readonly bool _pcie;

    private MachineLayout(bool pcie) => _pcie = pcie;

    public static MachineLayout Of(VmDefinition definition) => new(IsQ35(definition.MachineType));

    /// <summary>Versioned q35 types are <c>pc-q35-*</c>; the rest is i440fx.</summary>
    public static bool IsQ35(string machineType) => machineType.StartsWith("pc-q35-", StringComparison.Ordinal);

    /// <summary>The machine has room for memory that is given while the guest runs: only then does it have the device for it.</summary>
    public static bool HasMemoryRoom(VmDefinition vm) => vm.MaxMemoryMiB > vm.MemoryMiB && IsQ35(vm.MachineType);

    public bool HasRootPorts => _pcie;
    public int MaxVirtioDisks => _pcie ? MaxVirtioDisksQ35 : MaxVirtioDisksPc;

    public string Video => Fixed(0x1, 0x2);
    public string Scsi => Fixed(0x8, 0x3);
    public string VirtioSerial => Fixed(0x9, 0x4);
    public string Balloon => Fixed(0xa, 0x5);
    public string Rng => Fixed(0xb, 0x6);
    public string Usb => Fixed(0xc, 0x7);
    public string Watchdog => Fixed(0xd, 0x1f);

    /// <summary>How many disks, and as many CD-ROMs, the machine's own controller takes.</summary>
    public int MaxSataEach => _pcie ? SataPortsQ35 : SataPortsPc;

    /// <summary>On q35 only: an i440fx has its slots full.</summary>
    public string Memory => OnRootBus(0xe);

    public string Nic(int slot) => _pcie ? OnRootPort(slot) : OnRootBus(0x8 + slot);
    public string VirtioDisk(int slot) => _pcie ? OnRootPort(MaxNics + slot) : OnRootBus(0x10 + slot);

    /// <summary>The address of a root port itself.</summary>
    public static string RootPort(int index) =>
        $"bus=pcie.0,multifunction=on,addr=0x{FirstRootPortDevice + index / FunctionsPerDevice:x}.0x{index % FunctionsPerDevice:x}";

    public static int ScsiDiskTarget(int slot) => FirstScsiDiskTarget + slot;
    public static int CdromTarget(int slot) => slot;

    public string SataDisk(int slot) => _pcie ? $"bus=ide.{slot}" : $"bus=ide.0,unit={slot}";
    public string SataCdrom(int slot) => _pcie ? $"bus=ide.{SataPortsQ35 + slot}" : $"bus=ide.1,unit={slot}";

    private string Fixed(int q35Device, int pcDevice) => OnRootBus(_pcie ? q35Device : pcDevice);
    private string OnRootBus(int device) => $"bus={(_pcie ? "pcie.0" : "pci.0")},addr=0x{device:x}";
    private static string OnRootPort(int index) => $"bus=rp{index},addr=0x0";
}
