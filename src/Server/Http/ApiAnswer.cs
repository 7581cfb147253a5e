using System.Text.Json.Serialization.Metadata;
using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Http;

/// <summary>What a handler gives back; the dispatcher writes it.</summary>
internal sealed record ApiAnswer
{
    public required int Status { get; init; }
    public object? Body { get; init; }
    public JsonTypeInfo? BodyType { get; init; }

    /// <summary>Revision of the spec shown: the ETag.</summary>
    public long? SpecRevision { get; init; }

    /// <summary>Revision at which a write was committed: the header <c>Lamina-Revision</c>. <see cref="ApiRequest.CommitAsync"/> sets it.</summary>
    public long? Revision { get; init; }
    public string? Location { get; init; }

    public static ApiAnswer Ok<T>(T body, JsonTypeInfo<T> type, long? specRevision = null) =>
        new() { Status = StatusCodes.Status200OK, Body = body, BodyType = type, SpecRevision = specRevision };

    public static ApiAnswer Created<T>(T body, JsonTypeInfo<T> type, string location, long? specRevision = null) =>
        new() { Status = StatusCodes.Status201Created, Body = body, BodyType = type, Location = location, SpecRevision = specRevision };

    /// <summary>A long job has begun; the body is its operation.</summary>
    public static ApiAnswer Accepted(Operation operation) => new()
    {
        Status = StatusCodes.Status202Accepted,
        Body = operation,
        BodyType = ApiJson.Default.Operation,
        Location = ApiPaths.Operation(operation),
    };

    public static ApiAnswer NoContent() => new() { Status = StatusCodes.Status204NoContent };

    /// <summary>A record as it is stored, with its ETag.</summary>
    public static ApiAnswer Ok<T, TRecord>(T body, JsonTypeInfo<T> type, CachedRecord<TRecord> spec)
        where TRecord : StoredRecord => Ok(body, type, spec.ModRevision);
}
