using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>
/// Body of <c>POST /v1/vms/{id}/clone</c>. The clone has its own id, cards, addresses and names; members that are null are as the source has them.
/// </summary>
public sealed record VmClone
{
    public required string Name { get; init; }

    /// <summary>
    /// Thin disks on top of the source's frozen ones: made in a moment, and bound to them. The source is a template, or <see cref="Snapshot"/> is named.
    /// </summary>
    public bool Linked { get; init; }

    /// <summary>Clone what the source was at this snapshot; null: what it is now.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Where the disks of a full clone go; null: where the source's are.</summary>
    public string? Pool { get; init; }
    public int? Cpus { get; init; }
    public int? MemoryMiB { get; init; }

    /// <summary>In place of the source's cloud-init data; null: the source's, with the host name of the clone.</summary>
    public CloudInitCreate? CloudInit { get; init; }
    public string? Notes { get; init; }
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>Start it at once.</summary>
    public bool Start { get; init; }
}

/// <summary>Body of <c>POST /v1/vms/{id}/template</c>.</summary>
public sealed record VmTemplateRequest
{
    /// <summary>Make it an ordinary VM again.</summary>
    public bool Undo { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<ExportFormat>))]
public enum ExportFormat
{
    Qcow2,
    Raw,

    /// <summary>Stream-optimised, which is compressed: what OVF packages hold.</summary>
    Vmdk,
    Vhdx,
    Vdi,
}

/// <summary>Body of <c>POST /v1/vms/{id}/export</c>: the operation's result says where the file is to be fetched.</summary>
public sealed record VmExport
{
    public ExportFormat Format { get; init; }

    /// <summary>Slot of the disk; null: the first one.</summary>
    public int? Disk { get; init; }

    /// <summary>What the VM was at this snapshot; null: what it is now.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Compress its data (qcow2 only; vmdk always is).</summary>
    public bool Compress { get; init; }
}

/// <summary>Body of <c>POST /v1/vms/{id}/image</c>: makes an image from a VM's disk.</summary>
public sealed record VmCapture
{
    /// <summary>Of the image.</summary>
    public required string Name { get; init; }
    public string? Snapshot { get; init; }

    /// <summary>Slot of the disk; null: the first one.</summary>
    public int? Disk { get; init; }
    public string? Pool { get; init; }

    /// <summary>The guest OS understands cloud-init; null: as the VM was made.</summary>
    public bool? CloudInit { get; init; }
}
