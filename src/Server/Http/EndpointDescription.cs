using System.Text.Json.Serialization.Metadata;

namespace Lamina.Server.Http;

/// <summary>One query parameter that an endpoint takes; all others are refused.</summary>
internal sealed record QueryParameter(string Name, string Description);

/// <summary>All that is to be known of an endpoint: what it needs, takes and gives. The dispatcher obeys it, OpenAPI shows it.</summary>
internal sealed class EndpointDescription
{
    public const long DefaultBodyBytes = 256 * 1024;

    public required string Method { get; init; }
    public required string Pattern { get; init; }
    public required Permission Permission { get; init; }
    public required string Summary { get; init; }

    /// <summary>It concerns no project: users, pools, hosts.</summary>
    public bool IsInstallationWide { get; set; }
    public List<QueryParameter> Queries { get; } = [];
    public JsonTypeInfo? Takes { get; set; }

    /// <summary>The body may be left out; its members then have their defaults.</summary>
    public bool BodyIsOptional { get; set; }

    /// <summary>Media type of the body when it is no JSON (uploads).</summary>
    public string? TakesMedia { get; set; }
    public JsonTypeInfo? Answers { get; set; }

    /// <summary>Media type of the answer when it is no JSON, or another one beside it (<c>text/event-stream</c>).</summary>
    public string? AnswersMedia { get; set; }
    public int Status { get; set; } = StatusCodes.Status200OK;

    /// <summary>Codes of problems beyond those that every endpoint may give.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>Null: the handler reads the body itself and bounds it.</summary>
    public long? MaxBodyBytes { get; set; } = DefaultBodyBytes;

    /// <summary>An Idempotency-Key is obeyed. Shows the object made before, for the key's second use; operations are shown without it.</summary>
    public bool IsIdempotent { get; set; }
    public Func<ApiRequest, string, ApiAnswer>? ShowAgain { get; set; }

    /// <summary>Id of the host that alone can answer; null: whichever is asked.</summary>
    public Func<ApiRequest, ValueTask<string?>>? HostOf { get; set; }

    public bool IsRead => Method is "GET" or "HEAD";
}
