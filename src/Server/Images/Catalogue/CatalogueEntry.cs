using System.Text.Json.Serialization;

namespace Lamina.Server.Images.Catalogue;

/// <summary>A public image as a catalogue file describes it. No checksum stands here: it is read from the publisher at each pull.</summary>
internal sealed record CatalogueEntry
{
    /// <summary>As in <c>lamina image pull debian/12</c>.</summary>
    public required string Name { get; init; }
    public required string Title { get; init; }

    /// <summary>The publisher's folder, ending with a slash.</summary>
    public required string Folder { get; init; }

    /// <summary>The file in it; <c>*</c> stands for what changes with each version.</summary>
    public required string File { get; init; }

    /// <summary>The checksum file in the folder; <c>{file}</c> is the file's name, and <c>*</c> may stand as in <see cref="File"/>.</summary>
    public required string Checksums { get; init; }

    /// <summary>Id of the guest OS as osinfo-db has it.</summary>
    public string? OperatingSystem { get; init; }

    /// <summary>Null: it has cloud-init.</summary>
    public bool? CloudInit { get; init; }
}

/// <summary>A catalogue file.</summary>
internal sealed record CatalogueFile
{
    public required IReadOnlyList<CatalogueEntry> Images { get; init; }
}

/// <summary>Unknown members are refused: a key that does nothing is a mistake.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(CatalogueFile))]
internal sealed partial class CatalogueJson : JsonSerializerContext;
