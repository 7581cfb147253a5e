using System.Text.Json.Serialization;

namespace Lamina.Server.Migration.Cold;

/// <summary>What a source has for its target.</summary>
internal sealed record ColdManifest
{
    public required IReadOnlyList<ColdFile> Files { get; init; }
}

/// <summary>A file that goes along.</summary>
internal sealed record ColdFile
{
    /// <summary>In either pool: <c>disks/&lt;id&gt;/disk.qcow2</c>.</summary>
    public required string Path { get; init; }

    /// <summary>Its length.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Of that, what is no hole: so much is sent.</summary>
    public required long DataBytes { get; init; }

    /// <summary>Permission bits.</summary>
    public required int Mode { get; init; }
}

/// <summary>What this host is about to make for a VM that comes at rest, kept in the daemon's own folder: after a crash it says what is nobody's.</summary>
internal sealed record ColdArrival
{
    public required string Nonce { get; init; }
    public required IReadOnlyList<ColdFolder> Folders { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(ColdManifest))]
[JsonSerializable(typeof(ColdArrival))]
internal sealed partial class ColdJson : JsonSerializerContext;
