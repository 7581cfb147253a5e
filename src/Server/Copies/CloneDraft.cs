using System.Text.Json.Serialization;
using Lamina.Api;
using Lamina.Server.Vms.Rules;

namespace Lamina.Server.Copies;

/// <summary>
/// A clone that the rules have passed: the records that it will have, and what its disks are made from. It travels as a parameter of its operation,
/// and holds no secrets.
/// </summary>
internal sealed record CloneDraft
{
    /// <summary>Member of the operation's parameters.</summary>
    public const string Parameter = "clone";

    public required string Id { get; init; }
    public required VmSpec Spec { get; init; }
    public required IReadOnlyList<ClonedDisk> Disks { get; init; }

    /// <summary>Id of the VM that is cloned.</summary>
    public required string Source { get; init; }

    /// <summary>Id of its snapshot; null: it is cloned as it is when the work begins.</summary>
    public string? Snapshot { get; init; }
    public bool Linked { get; init; }
    public bool Start { get; init; }

    public VmDraft ToVmDraft() => new() { Id = Id, Spec = Spec, Disks = [.. Disks.Select(disk => new DiskDraft(disk.Id, disk.Spec))] };
}

/// <summary>A disk of a clone.</summary>
/// <param name="Id">The new disk's.</param>
/// <param name="Spec">Its record.</param>
/// <param name="Source">Id of the disk that it is made from.</param>
/// <param name="Layer">The layer of that disk; null: the one that is written when the work begins.</param>
internal sealed record ClonedDisk(string Id, DiskSpec Spec, string Source, string? Layer);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CloneDraft))]
internal sealed partial class CopiesJson : JsonSerializerContext;
