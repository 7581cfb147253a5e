namespace Lamina.Api.Client;

/// <summary>One request to make. It may be made several times, so its body is a function.</summary>
public sealed record ApiRequest(HttpMethod Method, string Path)
{
    public Func<HttpContent>? Content { get; init; }
    public string Accept { get; init; } = "application/json, application/problem+json";
    public string? IfMatch { get; init; }
    public string? IdempotencyKey { get; init; }

    /// <summary>Where a stream of events is taken up again.</summary>
    public string? LastEventId { get; init; }

    /// <summary>Only the bytes from here on are wanted.</summary>
    public long? RangeFrom { get; init; }

    /// <summary>Bound of this request; null: <see cref="LaminaClientOptions.RequestTimeout"/>.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>The answer's body is read as it comes, without a deadline.</summary>
    public bool Streams { get; init; }
}
