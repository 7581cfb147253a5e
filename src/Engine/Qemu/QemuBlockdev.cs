using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lamina.Engine.Qemu;

// Block nodes as -blockdev takes them: QAPI's BlockdevOptions. In JSON, since only there a missing backing file can be said
// ("backing": null); left unsaid, QEMU opens what a qcow2 header names.

/// <summary>A file QEMU got as an open descriptor.</summary>
internal sealed record FileBlockdev
{
    public string Driver => "file";
    public required string NodeName { get; init; }
    /// <summary><c>/dev/fdset/N</c>.</summary>
    public required string Filename { get; init; }
    /// <summary>The second wall against running a disk twice (D12).</summary>
    public string Locking => "on";
    public bool ReadOnly { get; init; }
    public required BlockdevCache Cache { get; init; }
    public required string Discard { get; init; }
}

internal sealed record RawBlockdev
{
    public string Driver => "raw";
    public required string NodeName { get; init; }
    public required string File { get; init; }
    public bool ReadOnly { get; init; }
    public required BlockdevCache Cache { get; init; }
    public required string Discard { get; init; }
}

internal sealed record Qcow2Blockdev
{
    public string Driver => "qcow2";
    public required string NodeName { get; init; }
    public required string File { get; init; }
    /// <summary>The node below; null = none, whatever the header says.</summary>
    public required string? Backing { get; init; }
    public bool ReadOnly { get; init; }
    public required BlockdevCache Cache { get; init; }
    public required string Discard { get; init; }
}

internal sealed record BlockdevCache
{
    public required bool Direct { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.KebabCaseLower)]
[JsonSerializable(typeof(FileBlockdev))]
[JsonSerializable(typeof(RawBlockdev))]
[JsonSerializable(typeof(ReopenArguments))]
[JsonSerializable(typeof(Qcow2Blockdev))]
internal sealed partial class BlockdevJson : JsonSerializerContext
{
    public static string Write(FileBlockdev node) => JsonSerializer.Serialize(node, Default.FileBlockdev);
    public static string Write(RawBlockdev node) => JsonSerializer.Serialize(node, Default.RawBlockdev);
    public static string Write(Qcow2Blockdev node) => JsonSerializer.Serialize(node, Default.Qcow2Blockdev);
}
