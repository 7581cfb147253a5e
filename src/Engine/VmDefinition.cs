using System.Text.Json.Serialization;

namespace Lamina.Engine;

/// <summary>
/// Everything QEMU needs to run one VM once, fully resolved: paths, taps, MACs, the CPU model. The engine looks nothing up
/// elsewhere. It is the one deliberate second form beside the API's records (design.md), and it is what a restarted daemon
/// re-attaches from (<see cref="RunRecord"/>).
/// </summary>
/// <remarks>
/// A member with a default has <c>set</c>: the generated JSON reader gives an absent <c>init</c> member default(T), and a record
/// written before the member existed would be read with null or 0.
/// </remarks>
public sealed record VmDefinition
{
    /// <summary>How slots become PCI addresses. A layout never changes once released; a new one gets the next number.</summary>
    public const int CurrentLayoutVersion = 1;

    public required Guid Id { get; init; }
    /// <summary>Shown as QEMU's <c>-name guest=</c>.</summary>
    public required string Name { get; init; }
    /// <summary>The daemon's instance (D20); the cgroup is <c>lamina-{Instance}/{Id}</c>.</summary>
    public required string Instance { get; init; }
    /// <summary>The fencing token of the assignment (D1).</summary>
    public required long Epoch { get; init; }
    /// <summary>Counts the starts of the VM (D2).</summary>
    public required long Run { get; init; }
    public int LayoutVersion { get; set; } = CurrentLayoutVersion;

    /// <summary>A versioned type such as <c>pc-q35-7.2</c> or <c>pc-i440fx-7.2</c>; never an alias.</summary>
    public required string MachineType { get; init; }
    public required Accelerator Accelerator { get; init; }
    /// <summary>A named model such as <c>Westmere-v1</c>; never <c>host</c> or <c>max</c>.</summary>
    public required string CpuModel { get; init; }
    /// <summary>Each <c>+name</c> or <c>-name</c>.</summary>
    public IReadOnlyList<string> CpuFlags { get; set; } = [];
    public required int Cpus { get; init; }
    /// <summary>Upper limit of CPU hot-add; at least <see cref="Cpus"/>.</summary>
    public required int MaxCpus { get; init; }
    public required int MemoryMiB { get; init; }
    /// <summary>Upper limit of memory hot-add; null or equal to <see cref="MemoryMiB"/> = none. On q35 only: the room is a virtio-mem device.</summary>
    public int? MaxMemoryMiB { get; init; }
    /// <summary>What of that room the guest shall have, beyond <see cref="MemoryMiB"/>.</summary>
    public int PluggedMemoryMiB { get; init; }
    /// <summary>A SCSI controller even without a device on it: what is unplugged last leaves it behind.</summary>
    public bool ScsiController { get; init; }
    /// <summary>Size of the translation cache, under TCG only (D10); ignored under KVM, which refuses the property.</summary>
    public int TbSizeMiB { get; set; } = 32;

    public FirmwareDefinition Firmware { get; set; } = new();
    /// <summary>Null = no TPM.</summary>
    public TpmDefinition? Tpm { get; init; }
    /// <summary>Hyper-V's interfaces for the guest, such as <c>hv-relaxed</c> or <c>hv-spinlocks=0x1fff</c>; under KVM only, TCG has none of them.</summary>
    public IReadOnlyList<string> HyperV { get; set; } = [];
    /// <summary>The hardware clock shows the host's local time instead of UTC.</summary>
    public bool LocalTimeClock { get; init; }
    /// <summary>Null = no watchdog device.</summary>
    public WatchdogPolicy? Watchdog { get; init; }
    /// <summary>The firmware waits some seconds for a key that opens its menu.</summary>
    public bool BootMenu { get; init; }
    /// <summary>Boots this kernel directly instead of a disk.</summary>
    public KernelDefinition? Kernel { get; init; }
    public IReadOnlyList<DiskDefinition> Disks { get; set; } = [];
    public IReadOnlyList<CdromDefinition> Cdroms { get; set; } = [];
    /// <summary>Only on a <c>pc-i440fx</c> machine.</summary>
    public FloppyDefinition? Floppy { get; init; }
    public IReadOnlyList<NicDefinition> Nics { get; set; } = [];

    public VideoDefinition Video { get; set; } = new();
    public bool Rng { get; set; } = true;
    /// <summary>The guest's memory is private to QEMU and offered to the kernel's merging of pages (KSM); else it is shared memory, which KSM passes by.</summary>
    public bool MergeMemory { get; init; }
    public BalloonDefinition Balloon { get; set; } = new();
    /// <summary>The first serial port, on <c>serial.sock</c>.</summary>
    public bool Serial { get; set; } = true;
    /// <summary>The guest agent's virtio-serial channel <c>org.qemu.guest_agent.0</c>, on <c>qga.sock</c>.</summary>
    public bool AgentChannel { get; set; } = true;

    /// <summary>The guest does not boot: its memory is brought by <see cref="IVm.LoadMemoryAsync"/> before its CPUs run.</summary>
    public bool Incoming { get; init; }

    /// <summary>
    /// The guest comes alive from another process, by <see cref="IVm.ListenAsync"/>, and may still run there: no <c>cont</c> without a permit.
    /// <see cref="IVm.ContinueAsync"/> takes this back in the run's record before the first <c>cont</c>, and puts it again if QEMU refuses. So as long as the
    /// record says it, this process has run no instruction of the guest, dead or alive; when it does not, it may have.
    /// </summary>
    public bool MigratesIn { get; init; }

    public LimitsDefinition Limits { get; set; } = new();
    /// <summary>The uid and gid QEMU runs as; one uid per running VM and host (D9).</summary>
    public required int Uid { get; init; }
    public required int Gid { get; init; }
    /// <summary>Root-only folder of sockets and <c>definition.json</c>, such as <c>/run/lamina/vms/{Id}</c>; its name is the id.</summary>
    public required string RuntimeFolder { get; init; }
}

public enum Accelerator
{
    Kvm,
    Tcg,
}

public enum FirmwareKind
{
    Bios,
    Uefi,
}

/// <summary>SeaBIOS needs no paths; UEFI needs both.</summary>
public sealed record FirmwareDefinition
{
    public FirmwareKind Kind { get; set; } = FirmwareKind.Bios;
    /// <summary>OVMF's code image, opened read-only.</summary>
    public string? CodePath { get; init; }
    /// <summary>This VM's own copy of OVMF's variables (raw, read-write); the caller makes it.</summary>
    public string? NvramPath { get; init; }
    /// <summary>With the system management mode that keeps the variables from the guest; <see cref="CodePath"/> is a build for it. q35 only.</summary>
    public bool SecureBoot { get; init; }
}

/// <summary>A TPM 2.0, run by swtpm beside QEMU.</summary>
public sealed record TpmDefinition
{
    /// <summary>Folder of its state; made by the caller, given to the VM's uid by the engine at each start.</summary>
    public required string StateFolder { get; init; }
    /// <summary>32 bytes that encrypt the state; needed to start, never written into the run's record.</summary>
    [JsonIgnore]
    public ReadOnlyMemory<byte> Key { get; init; }
}

/// <summary>What QEMU does when the guest's watchdog runs out.</summary>
public enum WatchdogPolicy
{
    Reset,
    /// <summary>The guest's CPUs stop in state <c>watchdog</c>; the caller decides.</summary>
    Pause,
    /// <summary>Only the event.</summary>
    None,
}

public sealed record KernelDefinition
{
    public required string KernelPath { get; init; }
    public string? InitrdPath { get; init; }
    public string CommandLine { get; set; } = "";
}

public enum DiskFormat
{
    Raw,
    Qcow2,
}

public enum DiskBus
{
    Virtio,
    Scsi,
    /// <summary>The machine's own AHCI (q35) or IDE (i440fx) controller: fixed, no hotplug.</summary>
    Sata,
}

public enum CdromBus
{
    Scsi,
    Sata,
}

/// <summary>One file of a disk's chain.</summary>
public sealed record DiskFile
{
    public required string Path { get; init; }
    public required DiskFormat Format { get; init; }
    /// <summary>The name of its block node in the running process; null = as its place in the chain at the start says.</summary>
    public string? Node { get; init; }
}

public sealed record DiskDefinition
{
    /// <summary>0..15 on virtio, 0..23 on scsi, 0..2 on sata (0..1 on i440fx); fixes the guest's address. The device is <c>disk{Slot}</c>, unique over all buses.</summary>
    public required int Slot { get; init; }
    public required string Path { get; init; }
    public required DiskFormat Format { get; init; }
    /// <summary>As <see cref="DiskFile.Node"/>, of the file that is written.</summary>
    public string? Node { get; init; }
    /// <summary>The files below <see cref="Path"/>, nearest first. QEMU never opens what a qcow2 header names.</summary>
    public IReadOnlyList<DiskFile> Backing { get; set; } = [];
    public DiskBus Bus { get; set; } = DiskBus.Virtio;
    public bool ReadOnly { get; init; }
    /// <summary>1 boots first; null = not booted from.</summary>
    public int? BootIndex { get; init; }
    /// <summary>Shown to the guest; at most 20 characters.</summary>
    public string? Serial { get; init; }
    /// <summary>Pass the guest's discards on to the file.</summary>
    public bool Discard { get; set; } = true;
    /// <summary>Bypass the host's page cache (O_DIRECT); the file system must support it.</summary>
    public bool DirectIo { get; init; }
    /// <summary>What the guest sees; null = whatever the file says.</summary>
    public long? SizeBytes { get; init; }
    /// <summary>Null = none.</summary>
    public ThrottleDefinition? Throttle { get; init; }
}

/// <summary>Upper bounds of a disk's use a second; 0 = none. A total excludes its two parts (QEMU's docs/throttle.txt).</summary>
public sealed record ThrottleDefinition
{
    public long Iops { get; init; }
    public long IopsRead { get; init; }
    public long IopsWrite { get; init; }
    public long Bytes { get; init; }
    public long BytesRead { get; init; }
    public long BytesWrite { get; init; }
}

/// <summary>A CD-ROM drive (ISO images, cloud-init's seed).</summary>
public sealed record CdromDefinition
{
    /// <summary>0..7, on sata 0..2 (0..1 on i440fx); the device is <c>cd{Slot}</c>.</summary>
    public required int Slot { get; init; }
    /// <summary>Null = an empty drive.</summary>
    public string? Path { get; init; }
    public CdromBus Bus { get; set; } = CdromBus.Scsi;
    public int? BootIndex { get; init; }
}

public sealed record FloppyDefinition
{
    /// <summary>A raw image.</summary>
    public required string Path { get; init; }
    public bool ReadOnly { get; init; }
    public int? BootIndex { get; init; }
}

public enum NicModel
{
    Virtio,
    E1000,
}

public sealed record NicDefinition
{
    /// <summary>0..7; the device is <c>nic{Slot}</c>.</summary>
    public required int Slot { get; init; }
    public required string Mac { get; init; }
    /// <summary>The host's tap, made by the caller; null = QEMU's user-mode network.</summary>
    public string? TapName { get; init; }
    /// <summary>Told to virtio guests; null = not told.</summary>
    public int? Mtu { get; init; }
    public NicModel Model { get; set; } = NicModel.Virtio;
    /// <summary>False = the cable is drawn out.</summary>
    public bool LinkUp { get; set; } = true;
    /// <summary>What the tap was plugged into, in the caller's words; of no concern to the engine.</summary>
    public string? Network { get; init; }
    /// <summary>User-mode only: ports of the host that lead into the guest.</summary>
    public IReadOnlyList<PortForward> Forwards { get; set; } = [];
    /// <summary>With one, the card gets QEMU's boot ROM (PXE); null = it cannot be booted from.</summary>
    public int? BootIndex { get; init; }
}

public sealed record PortForward
{
    public string HostAddress { get; set; } = "127.0.0.1";
    public required int HostPort { get; init; }
    public required int GuestPort { get; init; }
}

public enum VideoModel
{
    Std,
    None,
}

public sealed record VideoDefinition
{
    public VideoModel Model { get; set; } = VideoModel.Std;
    public int MemoryMiB { get; set; } = 16;
}

public sealed record BalloonDefinition
{
    public bool Enabled { get; set; } = true;
    public bool FreePageReporting { get; set; } = true;
}

/// <summary>Limits of the VM's cgroup; null = none.</summary>
public sealed record LimitsDefinition
{
    /// <summary>100 = one whole CPU.</summary>
    public int? CpuQuotaPercent { get; init; }
    /// <summary>Share under contention, 1–10000 as in cgroup v2; 100 is the usual one.</summary>
    public int? CpuWeight { get; init; }
    public long? MemoryLimitBytes { get; init; }
}
