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

    /// <summary>Ids of the further pools to which it was copied for the hosts that have them.</summary>
    public IReadOnlyList<string> Copies { get; set; } = [];

    /// <summary>How many disks are thin clones of it: while there are any, it cannot be deleted.</summary>
    public int Clones { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<ImageOrigin>))]
public enum ImageOrigin
{
    Build,
    Upload,

    /// <summary>Made from a VM's disk.</summary>
    Vm,

    /// <summary>Downloaded from its publisher.</summary>
    Pull,
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

    /// <summary>Where it was pulled from; null: built or uploaded.</summary>
    public ImageSource? Source { get; init; }

    /// <summary>When its making began, as <c>20261123-081502</c>: the name of an image that a newer one has replaced is <c>name@version</c>.</summary>
    public string? Version { get; init; }

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

    /// <summary>SHA-256 of what was uploaded or downloaded, lower-case hexadecimal.</summary>
    public string? Sha256 { get; init; }

    /// <summary>The publisher's checksum that a download was compared with: <c>sha512:…</c>.</summary>
    public string? PublishedDigest { get; init; }
    public Failure? Failure { get; init; }
}

/// <summary>Where a pulled image came from.</summary>
public sealed record ImageSource : RecordPart
{
    /// <summary>The catalogue's name for it (<c>debian/12</c>); null: pulled by its URL.</summary>
    public string? Catalogue { get; init; }

    /// <summary>The folder and the file's name, which may have <c>*</c>: then the newest file that fits is taken.</summary>
    public required string Url { get; init; }

    /// <summary>The publisher's checksum file; null: the checksum was given by hand.</summary>
    public string? ChecksumsUrl { get; init; }

    /// <summary>Given by hand, lower-case hexadecimal.</summary>
    public string? Sha256 { get; init; }
}

/// <summary>An entry of the catalogue, as <c>GET /v1/image-catalogue</c> gives it.</summary>
public sealed record CatalogueImage
{
    public required string Name { get; init; }
    public required string Title { get; init; }
    public required string Url { get; init; }
    public required string ChecksumsUrl { get; init; }

    /// <summary>Id of the guest OS as osinfo-db has it; null: unknown.</summary>
    public string? OperatingSystem { get; init; }
    public bool CloudInit { get; set; } = true;

    /// <summary>The project's newest image that was pulled from it; null: none.</summary>
    public string? Image { get; init; }

    /// <summary>The version of <see cref="Image"/>.</summary>
    public string? Version { get; init; }
}

/// <summary>
/// Key <c>images/&lt;id&gt;/pools/&lt;pool&gt;</c> and the same of <c>isos</c>, written by the host that has the pool: the content was copied there, whole, since something
/// on that host needs it.
/// </summary>
public sealed record ContentCopy : StoredRecord
{
    public required long SizeBytes { get; init; }

    /// <summary>SHA-256 of the file, lower-case hexadecimal: the same there as where it came from.</summary>
    public required string Sha256 { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Body of <c>POST /v1/images</c>: build from a recipe, import an upload, or pull from a publisher.</summary>
public sealed record ImageCreate
{
    public required string Name { get; init; }
    public string? Project { get; init; }
    public string? Pool { get; init; }

    /// <summary>Pull this entry of the catalogue; a newer version takes the name of the older one, which becomes <c>name@version</c>.</summary>
    public string? Catalogue { get; init; }

    /// <summary>Pull this file (https); needs <see cref="ChecksumsUrl"/> or <see cref="Sha256"/>. Administrators only.</summary>
    public string? Url { get; init; }

    /// <summary>The publisher's checksum file: lines as sha256sum or sha512sum print them.</summary>
    public string? ChecksumsUrl { get; init; }

    /// <summary>Build this recipe (<c>debian/12</c>).</summary>
    public string? Recipe { get; init; }

    /// <summary>Id of a finished upload to import; its format is detected, never taken from the name.</summary>
    public string? Upload { get; init; }

    /// <summary>Expected SHA-256 of the upload or of what <see cref="Url"/> gives.</summary>
    public string? Sha256 { get; init; }
    public bool? CloudInit { get; init; }
}
