using System.Text.Json;

namespace Lamina.Api.Client;

/// <summary>Reads what a refusal said. Whatever stands between may answer too (a proxy's HTML page), so any body yields a problem.</summary>
internal static class ProblemReader
{
    private const int LargestBytes = 1024 * 1024;

    public static async Task<Problem> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var fallback = new Problem
        {
            Title = response.ReasonPhrase ?? "The request failed",
            Status = (int)response.StatusCode,
            Code = $"http.{(int)response.StatusCode}",
        };
        if (response.Content.Headers.ContentType?.MediaType is not ("application/problem+json" or "application/json")) return fallback;
        try
        {
            await response.Content.LoadIntoBufferAsync(LargestBytes, cancellationToken);
            byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            return JsonSerializer.Deserialize(body, ApiJson.Default.Problem) ?? fallback;
        }
        catch (Exception failure) when (failure is JsonException or HttpRequestException or IOException)
        {
            return fallback;
        }
    }
}
