using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>A virtual machine as <c>GET /v1/vms/{id}</c> gives it. The ETag is the revision of <see cref="Spec"/>.</summary>
public sealed record Vm
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Project { get; init; }
    public required VmSpec Spec { get; init; }
    public VmAssignment? Assignment { get; init; }
    public VmStatus? Status { get; init; }

    /// <summary>In the answer to a change: the operation that carries it out on the host. Null: there is nothing to carry out.</summary>
    public string? Operation { get; init; }
}

/// <summary>What the user wants. Key <c>vms/&lt;id&gt;/spec</c>, written by the API only.</summary>
public sealed record VmSpec : ProjectRecord
{
    public required string Name { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public required int Cpus { get; init; }
    public required int MemoryMiB { get; init; }

    /// <summary>Below this the balloon never takes it; null: half of <see cref="MemoryMiB"/>. The same as that: the balloon takes nothing.</summary>
    public int? MemoryMinMiB { get; init; }

    /// <summary>What the guest shall have left, set by hand (<c>vm balloon</c>); null: by the host's policy.</summary>
    public int? BalloonMiB { get; init; }

    /// <summary>
    /// The guest's memory is private to its QEMU, so that the kernel may keep pages once that are the same in several guests (KSM). Guests can then
    /// guess by timing what others hold, so only for guests that trust each other. Set at creation.
    /// </summary>
    public bool MergeMemory { get; init; }
    public VmFirmware Firmware { get; init; }

    /// <summary>The firmware runs nothing but what is signed by a key that its variables hold (Microsoft's, as delivered). UEFI on q35 only; chosen at creation.</summary>
    public bool SecureBoot { get; init; }

    /// <summary>How often the UEFI variables were asked to be taken back to the template; each new count takes effect at the next start.</summary>
    public int NvramResets { get; init; }

    /// <summary>A TPM 2.0 of its own; null: none.</summary>
    public VmTpm? Tpm { get; init; }

    /// <summary>Short id of the guest's operating system as its maker said or its medium told, such as <c>debian12</c>; see <c>/v1/operating-systems</c>.</summary>
    public string? OperatingSystem { get; init; }

    /// <summary>What the hardware clock shows.</summary>
    public VmClock Clock { get; init; }

    /// <summary>What follows when the guest stops feeding its watchdog (i6300esb); null: it has none.</summary>
    public WatchdogAction? Watchdog { get; init; }

    /// <summary>The firmware waits for a key that opens its boot menu.</summary>
    public bool BootMenu { get; init; }
    public required VmMachine Machine { get; init; }
    public IReadOnlyList<VmDisk> Disks { get; set; } = [];
    public IReadOnlyList<VmCdrom> Cdroms { get; set; } = [];

    /// <summary>The uploaded floppy image (an entry of <c>isos</c>); a VM with one has a pc-i440fx machine, since q35 has no floppy controller.</summary>
    public string? Floppy { get; init; }
    public VmKernel? Kernel { get; init; }
    public IReadOnlyList<VmNic> Nics { get; set; } = [];
    public VmCloudInit? CloudInit { get; init; }
    public VmLimits? Limits { get; init; }
    public RestartPolicy Restart { get; set; } = RestartPolicy.OnFailure;
    public VmAutostart? Autostart { get; init; }
    public string? Notes { get; init; }
    public IReadOnlyList<string> Tags { get; set; } = [];
    public VmPower Power { get; set; } = new();

    /// <summary>Id of the pool of its own small files (firmware variables, TPM, seed, memory of snapshots); null: its first disk's, else the default one.</summary>
    public string? HomePool { get; init; }

    /// <summary>Its disks are frozen and it does not start: others are cloned from it.</summary>
    public bool Template { get; init; }

    /// <summary>It is not deleted, not even by force, until this is taken off.</summary>
    public bool Protected { get; init; }

    /// <summary>The operation that deletes this VM; set once, never taken back.</summary>
    public string? Deleting { get; init; }

    /// <summary>Set with <see cref="Deleting"/>: its disks stay, as disks of their own.</summary>
    public bool KeepDisks { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<VmFirmware>))]
public enum VmFirmware
{
    Bios,
    Uefi,
}

/// <summary>The VM's TPM. Its state lies with the VM in the pool, encrypted with a key that only the store has.</summary>
public sealed record VmTpm : RecordPart
{
    /// <summary>Id of the secret that holds the 32 bytes of the key.</summary>
    public required string Secret { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<VmClock>))]
public enum VmClock
{
    Utc,

    /// <summary>The host's local time, as Windows expects it.</summary>
    LocalTime,
}

[JsonConverter(typeof(CamelCaseEnum<WatchdogAction>))]
public enum WatchdogAction
{
    Reset,

    /// <summary>Cut the power; the guest stays off, unless its restart policy is <c>always</c>.</summary>
    PowerOff,
    Pause,

    /// <summary>Tell in an event only.</summary>
    None,
}

/// <summary>
/// The machine that the guest sees, recorded at creation so that no upgrade or move changes it: a versioned machine type, a named CPU model
/// with every flag (never <c>host</c> or <c>max</c>) and the room left for hot-plug.
/// </summary>
public sealed record VmMachine : RecordPart
{
    /// <summary>For example <c>pc-q35-7.2</c>.</summary>
    public required string Type { get; init; }

    /// <summary>For example <c>Westmere-v1</c>.</summary>
    public required string CpuModel { get; init; }

    /// <summary>Flags added to (<c>+aes</c>) or taken from (<c>-pcid</c>) the model.</summary>
    public IReadOnlyList<string> CpuFlags { get; set; } = [];
    public required int MaxCpus { get; init; }
    public int MemorySlots { get; init; }

    /// <summary>How far its memory can grow while it runs; null: not at all.</summary>
    public int? MaxMemoryMiB { get; init; }

    /// <summary>Hyper-V's interfaces that a Windows guest is offered under KVM, as QEMU names them: <c>hv-relaxed</c>, <c>hv-spinlocks=0x1fff</c>.</summary>
    public IReadOnlyList<string> HyperV { get; set; } = [];

    /// <summary>The version of the rule that turns slots into PCI addresses.</summary>
    public int LayoutVersion { get; set; } = 1;
}

[JsonConverter(typeof(CamelCaseEnum<DiskBus>))]
public enum DiskBus
{
    Virtio,
    Scsi,

    /// <summary>AHCI (IDE on pc-i440fx): slow, but every system has a driver for it. Slots 0–2 only, and never plugged while the guest runs.</summary>
    Sata,
}

/// <summary>A disk in a VM. The slot is kept for life, so that no removal moves another device.</summary>
public sealed record VmDisk : RecordPart
{
    public required int Slot { get; init; }

    /// <summary>Id of the disk.</summary>
    public required string Disk { get; init; }
    public DiskBus Bus { get; init; }
    public bool ReadOnly { get; init; }
    public int? BootIndex { get; init; }

    /// <summary>How much the guest may do with it a second; null: as much as the host gives.</summary>
    public DiskLimits? Limits { get; init; }
}

/// <summary>Upper bounds of a disk's use; null: none. A total excludes the two parts of its kind.</summary>
public sealed record DiskLimits : RecordPart
{
    /// <summary>Requests a second.</summary>
    public long? Iops { get; init; }
    public long? IopsRead { get; init; }
    public long? IopsWrite { get; init; }
    public long? BytesPerSecond { get; init; }
    public long? BytesPerSecondRead { get; init; }
    public long? BytesPerSecondWrite { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<CdromBus>))]
public enum CdromBus
{
    /// <summary>virtio-scsi.</summary>
    Scsi,

    /// <summary>AHCI (IDE on pc-i440fx), for installers without virtio drivers. Slots 0–2 only.</summary>
    Sata,
}

/// <summary>A CD-ROM drive; empty when <see cref="Iso"/> is null.</summary>
public sealed record VmCdrom : RecordPart
{
    public required int Slot { get; init; }
    public string? Iso { get; init; }
    public CdromBus Bus { get; init; }
    public int? BootIndex { get; init; }
}

/// <summary>Direct kernel boot from uploaded files (entries of <c>isos</c> with kind kernel and initrd).</summary>
public sealed record VmKernel : RecordPart
{
    public required string Kernel { get; init; }
    public string? Initrd { get; init; }
    public string? CommandLine { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<NicKind>))]
public enum NicKind
{
    Network,
    User,
}

[JsonConverter(typeof(CamelCaseEnum<NicModel>))]
public enum NicModel
{
    Virtio,
    E1000,
}

[JsonConverter(typeof(CamelCaseEnum<NicLink>))]
public enum NicLink
{
    Up,
    Down,
}

/// <summary>A network card. MAC and address are allocated in the store when the NIC is made, so nothing moves with the VM.</summary>
public sealed record VmNic : RecordPart
{
    public required int Slot { get; init; }
    public NicKind Kind { get; init; }

    /// <summary>Id of the network; null for user-mode networking.</summary>
    public string? Network { get; init; }
    public required string Mac { get; init; }
    public string? Address { get; init; }
    public NicModel Model { get; init; }

    /// <summary>Ids of the firewall groups that filter it, in the order in which they are tried; empty: nothing is filtered but forged addresses.</summary>
    public IReadOnlyList<string> FirewallGroups { get; set; } = [];

    /// <summary>Most that reaches the guest, in kilobits (1,000 bits) per second; null: no limit.</summary>
    public int? InboundKbps { get; init; }

    /// <summary>Most that leaves the guest, in kilobits per second; null: no limit.</summary>
    public int? OutboundKbps { get; init; }

    /// <summary>The cable: drawn out, the guest sees a card without a carrier.</summary>
    public NicLink Link { get; init; }

    /// <summary>1 boots first; null = not booted from.</summary>
    public int? BootIndex { get; init; }
}

/// <summary>cloud-init's NoCloud data. User data, keys and passwords lie in <c>secrets/&lt;id&gt;</c>, never here.</summary>
public sealed record VmCloudInit : RecordPart
{
    public required string Hostname { get; init; }

    /// <summary>Changes when the guest's identity changes; cloud-init then runs again.</summary>
    public required string InstanceId { get; init; }

    /// <summary>Id of the secret that holds a <see cref="CloudInitSecret"/>.</summary>
    public required string Secret { get; init; }

    /// <summary>When it was changed last; a guest that was started before is told at its next start. Null: it is as the VM was made.</summary>
    public DateTimeOffset? ChangedAt { get; init; }
}

public sealed record VmLimits : RecordPart
{
    /// <summary>Upper bound of CPU time in percent of one core; null: as many cores as the VM has vCPUs.</summary>
    public int? CpuPercent { get; init; }

    /// <summary>Relative CPU weight, 1–10,000 as in cgroup v2; null: 100.</summary>
    public int? CpuWeight { get; init; }
}

/// <summary>What follows a guest crash. The guest's own power-off is final unless <see cref="Always"/>.</summary>
[JsonConverter(typeof(CamelCaseEnum<RestartPolicy>))]
public enum RestartPolicy
{
    Never,
    OnFailure,
    Always,
}

/// <summary>Start with the host, in ascending <see cref="Order"/>, waiting <see cref="DelaySeconds"/> after each.</summary>
public sealed record VmAutostart : RecordPart
{
    public bool Enabled { get; init; }
    public int Order { get; init; }
    public int DelaySeconds { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<PowerWanted>))]
public enum PowerWanted
{
    Stopped,
    Running,
    Paused,
}

/// <summary>
/// The power state asked for, committed together with the operation that asked. The runner acts on it only while
/// <see cref="Request"/> differs from <see cref="VmStatus.Served"/>.
/// </summary>
public sealed record VmPower : RecordPart
{
    public PowerWanted Wanted { get; init; }
    public string? Request { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<AssignmentCause>))]
public enum AssignmentCause
{
    Placed,
    Handover,
    Recovered,
}

/// <summary>
/// Which host owns the VM. Key <c>vms/&lt;id&gt;/assignment</c>, written by the controllers (in a migration by the target).
/// The epoch is a counter from 1 and the fencing token: a status is committed only at the epoch it belongs to.
/// </summary>
public sealed record VmAssignment : StoredRecord
{
    public required string Host { get; init; }
    public required long Epoch { get; init; }
    public AssignmentCause Cause { get; init; }

    /// <summary>Why this host and no other; null: it was not chosen but handed over or recovered.</summary>
    public PlacementWhy? Why { get; init; }

    /// <summary>A process that this host has of this epoch, or of one between, goes on under this assignment, though it is of an older one. Null: it is ended.</summary>
    public long? Since { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<VmState>))]
public enum VmState
{
    /// <summary>No process; disks may still be in the making.</summary>
    Stopped,

    /// <summary>The disks are being made or QEMU is being created.</summary>
    Starting,
    Running,
    Paused,
    Stopping,

    /// <summary>QEMU's monitor does not answer. The guest may well run: it is never killed for silence.</summary>
    Unresponsive,

    /// <summary>No process: its memory lies in a file, and the next start goes on where it stood.</summary>
    Suspended,
}

[JsonConverter(typeof(CamelCaseEnum<StopCause>))]
public enum StopCause
{
    /// <summary>Never started, or stopped because somebody asked.</summary>
    Request,
    GuestShutdown,
    Crash,
    HostBoot,
    StartFailed,

    /// <summary>The guest's kernel panicked, and the restart policy ended it.</summary>
    GuestPanic,

    /// <summary>The guest let its watchdog run out, whose action is to cut the power.</summary>
    Watchdog,

    /// <summary>The store was recovered, and no host had a process of the VM by then.</summary>
    Recovery,
}

[JsonConverter(typeof(CamelCaseEnum<PauseCause>))]
public enum PauseCause
{
    Request,
    PoolFull,
    IoError,
    GuestPanic,
    Watchdog,
}

[JsonConverter(typeof(CamelCaseEnum<AcceleratorKind>))]
public enum AcceleratorKind
{
    Tcg,
    Kvm,
}

/// <summary>How the guest's instructions are run, and why (<c>no AMD-V on this host</c>).</summary>
public sealed record Accelerator : RecordPart
{
    public required AcceleratorKind Kind { get; init; }
    public required string Reason { get; init; }
}

/// <summary>What is. Key <c>vms/&lt;id&gt;/status</c>, written by the assigned host in a transaction that compares the epoch.</summary>
public sealed record VmStatus : StoredRecord
{
    public required string Host { get; init; }
    public required long Epoch { get; init; }

    /// <summary>Counts starts, from 1; a late event of an earlier run cannot end a later one.</summary>
    public long Run { get; init; }
    public required VmState State { get; init; }

    /// <summary>The last power request that was carried out (or failed).</summary>
    public string? Served { get; init; }
    public StopCause? StopCause { get; init; }
    public PauseCause? PauseCause { get; init; }
    public Accelerator? Accelerator { get; init; }
    public DateTimeOffset? StartedAt { get; init; }
    public IReadOnlyList<string> Addresses { get; set; } = [];
    public VmAgentStatus? Agent { get; init; }

    /// <summary>What is saved but waits for a restart, as JSON paths of the spec.</summary>
    public IReadOnlyList<string> PendingRestart => [.. Pending.Select(change => change.Path)];

    /// <summary>The same, each with its reason, and what the guest has not let happen yet.</summary>
    public IReadOnlyList<PendingChange> Pending { get; set; } = [];

    /// <summary>Crashes in a row, for the back-off of the restart policy.</summary>
    public int Crashes { get; init; }
    public DateTimeOffset? RestartAt { get; init; }

    /// <summary>Why the VM is not as wanted.</summary>
    public Failure? Failure { get; init; }

    /// <summary>A long job that borrows the VM and may hold a permit for <c>cont</c>.</summary>
    public VmJobPermit? Job { get; init; }

    /// <summary>The memory with which the next start goes on; null: it boots.</summary>
    public VmMemoryImage? Memory { get; init; }

    /// <summary>Id of the snapshot that the present state stems from; null: none.</summary>
    public string? Snapshot { get; init; }

    /// <summary>The operation that wants it started once its job is done: a restore with memory, or one that starts.</summary>
    public string? StartDue { get; init; }

    /// <summary>Boot id of the host when this was written: another one means that the host has rebooted since.</summary>
    public string? HostBootId { get; init; }
}

/// <summary>A change that is saved and not done.</summary>
public sealed record PendingChange : RecordPart
{
    /// <summary>Where in the spec, as a JSONPath: <c>$.memoryMiB</c>, <c>$.disks[?@.slot==1]</c>.</summary>
    public required string Path { get; init; }

    /// <summary>Why it waits, and for what, as a sentence.</summary>
    public required string Reason { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<VmJobKind>))]
public enum VmJobKind
{
    Snapshot,
    Suspend,
    Restore,

    /// <summary>Its disks are read: clone, export, move.</summary>
    Copy,

    /// <summary>Layers of its disks that nobody needs are merged.</summary>
    Merge,
}

public sealed record VmJobPermit : RecordPart
{
    public required string Operation { get; init; }
    public required VmJobKind Kind { get; init; }
}

/// <summary>A guest's memory in a file: what <c>migrate</c> wrote, and beside it the definition of the machine that it belongs to.</summary>
public sealed record VmMemoryImage : RecordPart
{
    /// <summary>Folder within the VM's own folder in its pool: <c>suspend-&lt;operation&gt;</c>, or that of a snapshot.</summary>
    public required string Folder { get; init; }
    public long SizeBytes { get; init; }
    public DateTimeOffset? SavedAt { get; init; }

    /// <summary>The snapshot that it belongs to, and stays with; null: it is used up by the next start.</summary>
    public string? Snapshot { get; init; }
}

public sealed record VmAgentStatus : RecordPart
{
    public required bool Connected { get; init; }
    public string? OperatingSystem { get; init; }
    public string? Hostname { get; init; }

    /// <summary>The guest's own boot id: a change within one run is a reset that nobody asked us for.</summary>
    public string? BootId { get; init; }
}
