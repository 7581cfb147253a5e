using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>An uploaded medium that a VM reads as it is: an ISO, a floppy image, a kernel or an initial RAM disk.</summary>
public sealed record Iso
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Project { get; init; }
    public required IsoSpec Spec { get; init; }
    public IsoStatus? Status { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<IsoKind>))]
public enum IsoKind
{
    Iso,
    Floppy,
    Kernel,
    Initrd,
}

/// <summary>Key <c>isos/&lt;id&gt;/spec</c>. The file is <c>&lt;pool&gt;/isos/&lt;id&gt;/medium</c>.</summary>
public sealed record IsoSpec : ProjectRecord
{
    public required string Name { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public required string Pool { get; init; }
    public IsoKind Kind { get; init; }

    /// <summary>The operation that takes over the upload; if that ends without success, the entry and its name are removed again.</summary>
    public string? Making { get; init; }

    /// <summary>The operation that deletes it.</summary>
    public string? Deleting { get; init; }
}

public sealed record IsoStatus : StoredRecord
{
    public required ContentState State { get; init; }
    public long SizeBytes { get; init; }
    public string? Sha256 { get; init; }

    /// <summary>Volume label of an ISO 9660 medium.</summary>
    public string? Label { get; init; }

    /// <summary>Short id of the operating system that the medium installs or runs, told by its volume descriptor; null: not known.</summary>
    public string? OperatingSystem { get; init; }
    public Failure? Failure { get; init; }
}

/// <summary>Body of <c>POST /v1/isos</c>: takes over a finished upload.</summary>
public sealed record IsoCreate
{
    public required string Name { get; init; }
    public string? Project { get; init; }
    public string? Pool { get; init; }
    public IsoKind? Kind { get; init; }
    public required string Upload { get; init; }
    public string? Sha256 { get; init; }
}
