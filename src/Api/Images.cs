using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>What disks are made from. Names are <c>label</c> or <c>label/label</c> (<c>debian/12</c>).</summary>
public sealed record Image
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Project { get; init; }
    public required ImageSpec Spec { get; init; }
    public ImageStatus? Status { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<ImageOrigin>))]
public enum ImageOrigin
{
    Build,
    Upload,

    /// <summary>Made from a VM's disk.</summary>
    Vm,
}

/// <summary>Key <c>images/&lt;id&gt;/spec</c>, written by the API. The file is <c>&lt;pool&gt;/images/&lt;id&gt;/image.qcow2</c>.</summary>
public sealed record ImageSpec : ProjectRecord
{
    public required string Name { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public required string Pool { get; init; }
    public required ImageOrigin Origin { get; init; }

    /// <summary>The recipe when built (<c>debian/12</c>).</summary>
    public string? Recipe { get; init; }

    /// <summary>The guest OS understands cloud-init: <c>vm launch</c> then makes a seed.</summary>
    public bool CloudInit { get; set; } = true;

    /// <summary>The operation that makes it; if that ends without success, image and name are removed again.</summary>
    public string? Making { get; init; }

    /// <summary>The operation that deletes it.</summary>
    public string? Deleting { get; init; }
}

/// <summary>Key <c>images/&lt;id&gt;/status</c>, written by the host that makes the file.</summary>
public sealed record ImageStatus : StoredRecord
{
    public required ContentState State { get; init; }
    public long VirtualSizeBytes { get; init; }
    public long AllocatedBytes { get; init; }

    /// <summary>The format it was imported from.</summary>
    public string? SourceFormat { get; init; }

    /// <summary>SHA-256 of what was uploaded, lower-case hexadecimal.</summary>
    public string? Sha256 { get; init; }
    public Failure? Failure { get; init; }
}

/// <summary>Body of <c>POST /v1/images</c>: build from a recipe, or import an upload.</summary>
public sealed record ImageCreate
{
    public required string Name { get; init; }
    public string? Project { get; init; }
    public string? Pool { get; init; }

    /// <summary>Build this recipe (<c>debian/12</c>); excludes <see cref="Upload"/>.</summary>
    public string? Recipe { get; init; }

    /// <summary>Id of a finished upload to import; its format is detected, never taken from the name.</summary>
    public string? Upload { get; init; }

    /// <summary>Expected SHA-256 of the upload.</summary>
    public string? Sha256 { get; init; }
    public bool? CloudInit { get; init; }
}
