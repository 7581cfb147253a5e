using System.Text.Json.Serialization;

namespace Lamina.Api;

[JsonConverter(typeof(CamelCaseEnum<EventSeverity>))]
public enum EventSeverity
{
    Information,
    Warning,
    Error,
}

/// <summary>One line of the human timeline. Key <c>events/&lt;time-ordered id&gt;</c>, written in the transaction of its change.</summary>
public sealed record Event : ProjectRecord
{
    public required string Id { get; init; }
    public required DateTimeOffset Time { get; init; }
    public EventSeverity Severity { get; init; }

    /// <summary>Noun and past tense, for example <c>vm.started</c>, <c>vm.crashed</c>, <c>daemon.started</c>.</summary>
    public required string Kind { get; init; }
    public ObjectReference? Target { get; init; }
    public required string Message { get; init; }
    public string? Operation { get; init; }
    public string? Host { get; init; }
    public long? Epoch { get; init; }
    public long? Run { get; init; }
}

/// <summary>Who asked for what, and the answer. Key <c>audit/&lt;time-ordered id&gt;</c>.</summary>
public sealed record AuditEntry : StoredRecord
{
    public required string Id { get; init; }
    public required DateTimeOffset Time { get; init; }

    /// <summary><c>user:admin</c>, <c>token:ci</c>, <c>local:0</c> (the uid on the local socket), <c>anonymous</c>.</summary>
    public required string Subject { get; init; }
    public string? RemoteAddress { get; init; }
    public required string Action { get; init; }
    public ObjectReference? Target { get; init; }
    public required int StatusCode { get; init; }
    public required string RequestId { get; init; }
}
