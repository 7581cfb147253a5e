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
    public required long SizeBytes { get; init; }
    public DiskFormat Format { get; init; }

    /// <summary>Id of the image it is a thin clone of; null: empty.</summary>
    public string? Image { get; init; }

    /// <summary>Id of the VM that it belongs to.</summary>
    public string? Vm { get; init; }
    public string? Deleting { get; init; }
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
    public Failure? Failure { get; init; }
}
