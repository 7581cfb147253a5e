using System.Text.Json.Serialization;

namespace Lamina.Api;

[JsonConverter(typeof(CamelCaseEnum<CheckVerdict>))]
public enum CheckVerdict
{
    Ok,
    Warning,
    Error,
}

/// <summary>One finding of <c>lamina doctor</c>: what was looked at, what was found, and the remedy.</summary>
public sealed record DoctorCheck
{
    public required string Name { get; init; }
    public required CheckVerdict Verdict { get; init; }
    public required string Message { get; init; }
    public string? Remedy { get; init; }
}

public sealed record DoctorReport
{
    public required IReadOnlyList<DoctorCheck> Checks { get; init; }
}

/// <summary>Answer of <c>GET /v1</c>.</summary>
public sealed record ServerInformation
{
    public required string Product { get; init; }
    public required string Version { get; init; }
    public required string Instance { get; init; }

    /// <summary>SHA-256 of the installation's CA, for comparison by a person; a client that pins it must not believe this line alone.</summary>
    public string? CaFingerprint { get; init; }
    public required IReadOnlyList<string> Features { get; init; }
}

/// <summary>Answer of <c>GET /healthz</c>.</summary>
public sealed record Health
{
    /// <summary><c>ok</c>.</summary>
    public required string Status { get; init; }
}
