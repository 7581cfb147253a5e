using System.Text.Json.Serialization;

namespace Lamina.Cli.Connection;

/// <summary>A server that the CLI knows: where it is, the CA that signs it (pinned at the first connection) and the token to show.</summary>
internal sealed record Context
{
    public required string Name { get; init; }

    /// <summary><c>https://host:7443</c>, or <c>unix:/run/lamina/lamina.sock</c>.</summary>
    public required string Server { get; init; }

    /// <summary>The installation's CA as PEM.</summary>
    public string? CertificateAuthority { get; init; }
    public string? Token { get; init; }
    public string? Project { get; init; }
}

internal sealed record ContextFile
{
    public string? Current { get; init; }
    public IReadOnlyList<Context> Contexts { get; init; } = [];
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Context))]
[JsonSerializable(typeof(ContextFile))]
internal sealed partial class ContextJson : JsonSerializerContext;
