using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>
/// Body of <c>POST /v1/vms</c>. Objects are named by name or id. Only <see cref="Name"/> is needed; defaults: 1 CPU, 512 MiB,
/// one NIC on network <c>default</c>, one disk of the image's size when an image is named.
/// </summary>
public sealed record VmCreate
{
    public required string Name { get; init; }
    public string? Project { get; init; }

    /// <summary>Image for the first disk, when <see cref="Disks"/> does not name one.</summary>
    public string? Image { get; init; }
    public int? Cpus { get; init; }
    public int? MaxCpus { get; init; }
    public int? MemoryMiB { get; init; }

    /// <summary>Below this the balloon never takes it; null: half of the memory.</summary>
    public int? MemoryMinMiB { get; init; }

    /// <summary>Memory of which the kernel may keep once what is the same in several guests (KSM); for guests that trust each other.</summary>
    public bool MergeMemory { get; init; }

    /// <summary>How far its memory can grow while it runs; null: chosen by its size.</summary>
    public int? MaxMemoryMiB { get; init; }
    public VmFirmware? Firmware { get; init; }

    /// <summary>Needs UEFI on q35, which it implies where no firmware is named.</summary>
    public bool? SecureBoot { get; init; }

    /// <summary>A TPM 2.0.</summary>
    public bool? Tpm { get; init; }

    /// <summary>Short id of the guest's system: its advice fills in what is not named here. Null: what the first ISO tells.</summary>
    public string? OperatingSystem { get; init; }
    public VmClock? Clock { get; init; }
    public WatchdogAction? Watchdog { get; init; }
    public bool? BootMenu { get; init; }

    /// <summary>Offer Hyper-V's interfaces to the guest; null: as its operating system is advised.</summary>
    public bool? HyperV { get; init; }

    /// <summary>Of the drives of <see cref="Isos"/>.</summary>
    public CdromBus? CdromBus { get; init; }
    public string? CpuModel { get; init; }
    public IReadOnlyList<VmDiskCreate>? Disks { get; init; }

    /// <summary>Names of uploaded ISOs, one drive each.</summary>
    public IReadOnlyList<string>? Isos { get; init; }
    public string? Floppy { get; init; }
    public VmKernel? Kernel { get; init; }

    /// <summary>Null: one NIC on <c>default</c>; empty: none.</summary>
    public IReadOnlyList<VmNicCreate>? Nics { get; init; }
    public CloudInitCreate? CloudInit { get; init; }
    public VmLimits? Limits { get; init; }
    public RestartPolicy? Restart { get; init; }
    public VmAutostart? Autostart { get; init; }
    public string? Notes { get; init; }
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>Start it at once (<c>vm launch</c>).</summary>
    public bool Start { get; init; }
}

public sealed record VmDiskCreate
{
    /// <summary>Null with an image: the image's virtual size.</summary>
    public long? SizeBytes { get; init; }
    public string? Image { get; init; }
    public string? Pool { get; init; }
    public DiskBus? Bus { get; init; }
    public DiskFormat? Format { get; init; }
}

public sealed record VmNicCreate
{
    public NicKind? Kind { get; init; }
    public string? Network { get; init; }
    public string? Mac { get; init; }
    public string? Address { get; init; }
    public NicModel? Model { get; init; }

    /// <summary>Names or ids of firewall groups, in the order in which they are tried.</summary>
    public IReadOnlyList<string>? FirewallGroups { get; init; }

    /// <summary>Most that reaches the guest, in kilobits per second.</summary>
    public int? InboundKbps { get; init; }

    /// <summary>Most that leaves the guest, in kilobits per second.</summary>
    public int? OutboundKbps { get; init; }

    /// <summary>Place in the boot order (PXE), 0 first; null: never booted from.</summary>
    public int? BootIndex { get; init; }
}

/// <summary>
/// What cloud-init shall do; also the body of <c>PATCH /v1/vms/{vm}/cloud-init</c> (RFC 7396: what is left out stays, null takes it away).
/// <see cref="UserData"/> excludes user, password and keys.
/// </summary>
public sealed record CloudInitCreate
{
    public string? Hostname { get; init; }
    public string? User { get; init; }
    public string? Password { get; init; }
    public IReadOnlyList<string>? SshKeys { get; init; }

    /// <summary>A whole user-data document of one's own (<c>#cloud-config</c>, a script, or MIME); checked before it is taken.</summary>
    public string? UserData { get; init; }

    /// <summary>Own network-config version 2; null: DHCP on every NIC by MAC.</summary>
    public string? NetworkConfig { get; init; }
}

/// <summary>The sealed content of <c>secrets/&lt;id&gt;</c> for a VM's cloud-init. Never in caches, watches or logs.</summary>
public sealed record CloudInitSecret : StoredRecord
{
    public required string UserData { get; init; }
    public string? NetworkConfig { get; init; }
}

/// <summary>Body of <c>PATCH /v1/vms/{id}</c> (RFC 7396 on these members of the spec; null takes a member back to its default).</summary>
public sealed record VmUpdate
{
    public string? Name { get; init; }
    public int? Cpus { get; init; }
    public int? MemoryMiB { get; init; }
    public int? MemoryMinMiB { get; init; }

    /// <summary>What the guest shall have left, by hand; null: by the host's policy.</summary>
    public int? BalloonMiB { get; init; }
    public VmLimits? Limits { get; init; }
    public RestartPolicy? Restart { get; init; }
    public VmAutostart? Autostart { get; init; }
    public WatchdogAction? Watchdog { get; init; }
    public bool? BootMenu { get; init; }
    public VmClock? Clock { get; init; }

    /// <summary>True: the UEFI variables go back to the template at the next start.</summary>
    public bool? ResetNvram { get; init; }
    public string? Notes { get; init; }
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>How many CPUs it can have while it runs; a change takes effect at the next start.</summary>
    public int? MaxCpus { get; init; }

    /// <summary>How far its memory can grow while it runs; a change takes effect at the next start.</summary>
    public int? MaxMemoryMiB { get; init; }

    /// <summary>What is tried in which order: <c>disk0</c>, <c>cd0</c>, <c>nic0</c>. Null: disks, then CD-ROMs.</summary>
    public IReadOnlyList<string>? Boot { get; init; }
    public bool? Protected { get; init; }
}

/// <summary>From what kind of device to boot once.</summary>
[JsonConverter(typeof(CamelCaseEnum<BootDevice>))]
public enum BootDevice
{
    Disk,
    Cdrom,
    Network,
}

/// <summary>Body of <c>POST /v1/vms/{id}/start</c>.</summary>
public sealed record VmStartRequest
{
    /// <summary>For this start only; null: the VM's own order.</summary>
    public BootDevice? Boot { get; init; }
}

/// <summary>Body of <c>POST /v1/vms/{id}/keys</c>: either chords, or text.</summary>
public sealed record VmKeysRequest
{
    /// <summary>Each is pressed at once and let go: <c>ctrl-alt-delete</c>, <c>f12</c>, <c>ret</c>.</summary>
    public IReadOnlyList<string>? Keys { get; init; }

    /// <summary>Typed key by key, at most 1,000 characters.</summary>
    public string? Text { get; init; }

    /// <summary>The guest's keyboard layout for <see cref="Text"/>: <c>us</c>, <c>kr</c> or <c>de</c>; default <c>us</c>.</summary>
    public string? Layout { get; init; }
}

/// <summary>Body of <c>POST /v1/vms/{id}/stop</c>.</summary>
public sealed record VmStopRequest
{
    /// <summary>Cut the power instead of refusing to; data in the guest's memory is lost.</summary>
    public bool Force { get; init; }
}

/// <summary>Body of <c>POST /v1/vms/{id}/shutdown</c>.</summary>
public sealed record VmShutdownRequest
{
    /// <summary>How long the guest may take; default 300. The operation then fails and the guest runs on, unless <see cref="ForceAfter"/>.</summary>
    public int? TimeoutSeconds { get; init; }
    public bool ForceAfter { get; init; }
}

/// <summary>Body of <c>POST /v1/vms/{id}/exec</c>: a program run by the guest agent.</summary>
public sealed record VmExecRequest
{
    public required IReadOnlyList<string> Command { get; init; }

    /// <summary>Standard input, at most 48 KiB of UTF-8.</summary>
    public string? Input { get; init; }
    public int? TimeoutSeconds { get; init; }
}

/// <summary>What the program said; output beyond 1 MiB is cut and marked so.</summary>
public sealed record VmExecResult
{
    public required int ExitCode { get; init; }
    public int? Signal { get; init; }
    public required string Output { get; init; }
    public required string Error { get; init; }
    public bool Truncated { get; init; }
}

/// <summary>Body of <c>POST /v1/hosts/{host}/shutdown-guests</c>: guests power off in the reverse order of their autostart, before the host does.</summary>
public sealed record GuestsShutdownRequest
{
    /// <summary>How long the guests of one place in the order may take; default 120.</summary>
    public int? TimeoutSeconds { get; init; }

    /// <summary>Cut the power of those that take longer; else they run on until the host ends them.</summary>
    public bool ForceAfter { get; init; }
}

/// <summary>
/// Body of <c>POST /v1/vms/{vm}/disks</c>: a new disk (a size, or an image), or one that belongs to no VM (<see cref="Disk"/>). It gets the lowest free
/// slot.
/// </summary>
public sealed record VmDiskAdd
{
    /// <summary>Name or id of a disk that belongs to no VM; excludes size, image, pool and format.</summary>
    public string? Disk { get; init; }
    public long? SizeBytes { get; init; }
    public string? Image { get; init; }
    public string? Pool { get; init; }
    public DiskFormat? Format { get; init; }
    public DiskBus? Bus { get; init; }
    public bool? ReadOnly { get; init; }
    public DiskLimits? Limits { get; init; }
}

/// <summary>Body of <c>PATCH /v1/vms/{vm}/disks/{slot}</c> (RFC 7396).</summary>
public sealed record VmDiskUpdate
{
    /// <summary>Disks grow only.</summary>
    public long? SizeBytes { get; init; }
    public DiskLimits? Limits { get; init; }
    public bool? Protected { get; init; }
}

/// <summary>Body of <c>PATCH /v1/vms/{vm}/nics/{slot}</c> (RFC 7396).</summary>
public sealed record VmNicUpdate
{
    /// <summary>Name or id; the card moves there without being taken out.</summary>
    public string? Network { get; init; }

    /// <summary>Null in another network: the next free one.</summary>
    public string? Address { get; init; }
    public NicLink? Link { get; init; }

    /// <summary>Names or ids of firewall groups, in the order in which they are tried; empty: nothing is filtered.</summary>
    public IReadOnlyList<string>? FirewallGroups { get; init; }

    /// <summary>Most that reaches the guest, in kilobits per second; 0: no limit.</summary>
    public int? InboundKbps { get; init; }

    /// <summary>Most that leaves the guest, in kilobits per second; 0: no limit.</summary>
    public int? OutboundKbps { get; init; }
}

/// <summary>Body of <c>POST /v1/vms/{vm}/cdroms</c> (a further drive) and of <c>PATCH /v1/vms/{vm}/cdroms/{slot}</c> (another medium; null: none).</summary>
public sealed record VmCdromChange
{
    /// <summary>Name or id of an ISO.</summary>
    public string? Iso { get; init; }
}
