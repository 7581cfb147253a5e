using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;

namespace Lamina.Server.Hosts;

/// <summary>Records between hosts.</summary>
internal static class PeerJson
{
    public static ByteArrayContent Content<T>(T body, JsonTypeInfo<T> type)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, type));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    /// <exception cref="ProblemException">What the other host refused, in its words.</exception>
    public static async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
        if (response.IsSuccessStatusCode) return JsonSerializer.Deserialize(body, type)!;
        throw Refusal(response, body);
    }

    private static ProblemException Refusal(HttpResponseMessage response, byte[] body)
    {
        try
        {
            if (JsonSerializer.Deserialize(body, ApiJson.Default.Problem) is { } problem)
                return new ProblemException(KindOf(problem.Status), problem.Code, problem.Detail ?? problem.Title, problem.Remedy);
        }
        catch (JsonException)
        {
            // Somebody else's answer, said below.
        }

        return new ProblemException(ProblemKind.Unavailable, "host.answer", $"Another host answered with {(int)response.StatusCode}.", "See that host's log.");
    }

    private static ProblemKind KindOf(int status) => status switch
    {
        StatusCodes.Status400BadRequest => ProblemKind.Invalid,
        StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden => ProblemKind.Denied,
        StatusCodes.Status404NotFound => ProblemKind.NotFound,
        StatusCodes.Status409Conflict => ProblemKind.Conflict,
        StatusCodes.Status422UnprocessableEntity => ProblemKind.Unprocessable,
        StatusCodes.Status507InsufficientStorage => ProblemKind.NoSpace,
        >= StatusCodes.Status500InternalServerError and not StatusCodes.Status503ServiceUnavailable => ProblemKind.Internal,
        _ => ProblemKind.Unavailable,
    };
}
