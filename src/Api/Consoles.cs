using System.Text.Json.Serialization;

namespace Lamina.Api;

[JsonConverter(typeof(CamelCaseEnum<ConsoleKind>))]
public enum ConsoleKind
{
    /// <summary>The first serial line: history, then what comes; what is sent is typed.</summary>
    Serial,

    /// <summary>The screen, as RFB 3.8 (RFC 6143) in binary messages.</summary>
    Vnc,
}

/// <summary>Body of <c>POST /v1/vms/{id}/console-ticket</c>.</summary>
public sealed record ConsoleTicketCreate
{
    public required ConsoleKind Kind { get; init; }
}

/// <summary>
/// Opens one console of one VM once, within 30 seconds: browsers cannot send a bearer token with a WebSocket, and a ticket in an address
/// is worth nothing afterwards.
/// </summary>
public sealed record ConsoleTicket
{
    public required string Ticket { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Path and query of the WebSocket.</summary>
    public required string Path { get; init; }
}
