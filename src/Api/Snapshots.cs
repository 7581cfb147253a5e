using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>What a VM was at one instant: its disks, its firmware's variables, its TPM, and where asked for its memory.</summary>
public sealed record Snapshot
{
    public required string Id { get; init; }

    /// <summary>Unique in its VM.</summary>
    public required string Name { get; init; }
    public required string Project { get; init; }
    public required SnapshotSpec Spec { get; init; }
    public SnapshotStatus? Status { get; init; }

    /// <summary>The VM's present state stems from this one.</summary>
    public bool Current { get; init; }
}

/// <summary>Key <c>snapshots/&lt;id&gt;/spec</c>, written by the API; the name is claimed as <c>names/&lt;project&gt;/snapshot/&lt;vm id&gt;/&lt;name&gt;</c>.</summary>
public sealed record SnapshotSpec : ProjectRecord
{
    public required string Name { get; init; }

    /// <summary>Id of the VM.</summary>
    public required string Vm { get; init; }
    public string? Description { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public bool WithMemory { get; init; }

    /// <summary>Ask the guest's agent to write everything down first. Null: if there is an agent that can.</summary>
    public bool? Quiesce { get; init; }

    /// <summary>The VM's spec at that time: the hardware that a restore brings back.</summary>
    public required VmSpec Hardware { get; init; }

    /// <summary>The operation that makes it; if that ends without success, spec and name are removed again.</summary>
    public string? Making { get; init; }
    public string? Deleting { get; init; }
}

/// <summary>Key <c>snapshots/&lt;id&gt;/status</c>, written by the VM's host once it is whole.</summary>
public sealed record SnapshotStatus : StoredRecord
{
    public required ContentState State { get; init; }
    public DateTimeOffset? TakenAt { get; init; }

    /// <summary>The snapshot that the VM's state stemmed from then; null: none.</summary>
    public string? Parent { get; init; }
    public IReadOnlyList<SnapshotDisk> Disks { get; set; } = [];

    /// <summary>The guest's memory; null: only what lay on its disks.</summary>
    public VmMemoryImage? Memory { get; init; }

    /// <summary>The guest had written everything down.</summary>
    public bool Quiesced { get; init; }

    /// <summary>Folder within the VM's own folder in its pool that holds NVRAM, TPM and memory.</summary>
    public required string Folder { get; init; }
    public bool Nvram { get; init; }
    public bool Tpm { get; init; }
}

/// <summary>A disk at that instant: a frozen layer of it.</summary>
public sealed record SnapshotDisk : RecordPart
{
    public required int Slot { get; init; }
    public required string Disk { get; init; }
    public required string Layer { get; init; }
}

/// <summary>Body of <c>POST /v1/vms/{vm}/snapshots</c>.</summary>
public sealed record SnapshotCreate
{
    public required string Name { get; init; }
    public string? Description { get; init; }

    /// <summary>Keep the memory too, so that a restore goes on where the guest stood. The VM must run.</summary>
    public bool WithMemory { get; init; }

    /// <summary>Freeze the guest's file systems through its agent; null: if its agent can.</summary>
    public bool? Quiesce { get; init; }
}

/// <summary>Body of <c>POST /v1/vms/{vm}/snapshots/{snapshot}/restore</c>.</summary>
public sealed record SnapshotRestore
{
    /// <summary>Start the VM afterwards. One whose memory was kept always goes on.</summary>
    public bool Start { get; init; }

    /// <summary>Yes: what the VM is now may be lost. Needed when it runs, is suspended, or has written since its last snapshot.</summary>
    public bool Discard { get; init; }
}
