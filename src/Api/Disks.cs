using System.Text.Json.Serialization;

namespace Lamina.Api;

public sealed record Disk
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Project { get; init; }
    public required DiskSpec Spec { get; init; }
    public DiskStatus? Status { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<DiskFormat>))]
public enum DiskFormat
{
    Qcow2,
    Raw,
}

/// <summary>Key <c>disks/&lt;id&gt;/spec</c>, written by the API. The file is <c>&lt;pool&gt;/disks/&lt;id&gt;/disk.&lt;format&gt;</c>.</summary>
public sealed record DiskSpec : ProjectRecord
{
    /// <summary>Unique in the project; made from the VM's name and the slot.</summary>
    public required string Name { get; init; }
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Id of the pool.</summary>
    public required string Pool { get; init; }

    /// <summary>Nobody named the pool: when its VM is placed on a host that does not reach it, it becomes that host's default one.</summary>
    public bool AnyPool { get; init; }
    public required long SizeBytes { get; init; }
    public DiskFormat Format { get; init; }

    /// <summary>Id of the image it is a thin clone of; null: empty.</summary>
    public string? Image { get; init; }

    /// <summary>The frozen layer of another disk that it is a linked clone of, in place of <see cref="Image"/>; null: none.</summary>
    public DiskBase? Base { get; init; }

    /// <summary>Id of the VM that it belongs to.</summary>
    public string? Vm { get; init; }
    public string? Notes { get; init; }

    /// <summary>The operation that makes a disk of its own; if that ends without success, disk and name are removed again. Null: its VM's host makes it.</summary>
    public string? Making { get; init; }

    /// <summary>It is not deleted, neither alone nor with its VM, until this is taken off.</summary>
    public bool Protected { get; init; }
    public string? Deleting { get; init; }
}

/// <summary>Body of <c>POST /v1/disks</c>: a disk that belongs to no VM yet.</summary>
public sealed record DiskCreate
{
    public required string Name { get; init; }
    public string? Project { get; init; }

    /// <summary>Null with an image: the image's virtual size.</summary>
    public long? SizeBytes { get; init; }
    public string? Pool { get; init; }
    public string? Image { get; init; }
    public DiskFormat? Format { get; init; }
    public string? Notes { get; init; }
}

/// <summary>Body of <c>PATCH /v1/disks/{id}</c> (RFC 7396 on these members).</summary>
public sealed record DiskUpdate
{
    public string? Name { get; init; }

    /// <summary>At least what it has: a disk only grows. The host makes the file so large, at once or at the next start of its VM.</summary>
    public long? SizeBytes { get; init; }
    public string? Notes { get; init; }
}

/// <summary>Body of <c>POST /v1/disks/{id}/move</c>.</summary>
public sealed record DiskMove
{
    public required string Pool { get; init; }
}

/// <summary>A folder in a pool that no record speaks of: listed, never removed by itself.</summary>
public sealed record Orphan
{
    /// <summary>The pool's name.</summary>
    public required string Pool { get; init; }

    /// <summary>The absolute path on the host.</summary>
    public required string Path { get; init; }

    /// <summary>Noun of what it was: <c>disk</c>, <c>image</c>, <c>iso</c>, <c>vm</c>.</summary>
    public required string Kind { get; init; }
    public long AllocatedBytes { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<ContentState>))]
public enum ContentState
{
    /// <summary>Being made, uploaded or built.</summary>
    Preparing,
    Ready,
    Failed,
    Gone,
}

/// <summary>Key <c>disks/&lt;id&gt;/status</c>, written by the host that makes the file.</summary>
public sealed record DiskStatus : StoredRecord
{
    public required ContentState State { get; init; }
    public long AllocatedBytes { get; init; }

    /// <summary>The size that a guest sees; below the spec's while growing it is still to be done. Null: as when it was made.</summary>
    public long? SizeBytes { get; init; }

    /// <summary>The files that the disk is made of, as a tree; empty: the one file that it was made as.</summary>
    public IReadOnlyList<DiskLayer> Layers { get; set; } = [];

    /// <summary>Id of the layer that the guest writes; all others are frozen. Null: <see cref="DiskLayer.First"/>.</summary>
    public string? Active { get; init; }
    public Failure? Failure { get; init; }
}

/// <summary>
/// A state of a disk: what its file says, on top of what its parent says. A layer keeps its id when it is merged with its parent and so moves
/// into the parent's file; snapshots and linked clones name layers by id.
/// </summary>
public sealed record DiskLayer : RecordPart
{
    /// <summary>Id of the layer that every disk begins with, whose file is <c>disk.&lt;format&gt;</c>.</summary>
    public const string First = "disk";

    /// <summary><see cref="First"/>, or the id of the operation that made it.</summary>
    public required string Id { get; init; }

    /// <summary>The layer below; null: the disk's image or base, or nothing.</summary>
    public string? Parent { get; init; }

    /// <summary>Name of the file in the disk's folder, without its ending; null: the layer's id. Every file but the first is qcow2.</summary>
    public string? File { get; init; }
}

/// <summary>A frozen layer of a disk, as the base of another one. It stays for as long as a disk names it.</summary>
public sealed record DiskBase : RecordPart
{
    public required string Disk { get; init; }
    public required string Layer { get; init; }
}
