using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>
/// What every record in the store bears. The records are both the wire form and the stored form; each key has exactly one writer.
/// Members that this version does not know survive a rewrite; the API refuses them on input.
/// </summary>
public abstract record StoredRecord : RecordPart
{
    /// <summary>The version of the record's form, from 1.</summary>
    public int Schema { get; set; } = 1;
}

/// <summary>An object in a stored record, or the record itself: members written by a newer version are kept as they are.</summary>
public abstract record RecordPart
{
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Unknown { get; set; }
}

/// <summary>A record that belongs to a project: specs of VMs, disks, images, ISOs, networks; operations; events.</summary>
public abstract record ProjectRecord : StoredRecord
{
    public const string DefaultProject = "default";

    public string Project { get; set; } = DefaultProject;
}

/// <summary>A page of a list, in the order of names (events: newest last). <see cref="Next"/> is the cursor of the next page, null at the end.</summary>
public sealed record Page<T>
{
    public required IReadOnlyList<T> Items { get; init; }
    public string? Next { get; init; }
}

/// <summary>Names an object in an operation, event or audit record: <c>vm</c>, its id and the name that it had then.</summary>
public sealed record ObjectReference : RecordPart
{
    public required string Kind { get; init; }
    public required string Id { get; init; }
    public string? Name { get; init; }
}

/// <summary>A failure as people read it: a stable code, what happened to which object and why, and what to do.</summary>
public sealed record Failure : RecordPart
{
    public required string Code { get; init; }
    public required string Message { get; init; }
    public string? Remedy { get; init; }
}
