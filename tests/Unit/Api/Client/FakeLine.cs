using System.Net;

namespace Lamina.Tests.Unit.Api.Client;

/// <summary>A line to a daemon that a test plays: it answers request after request.</summary>
internal sealed class FakeLine(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
{
    public List<(string Method, string Path, Dictionary<string, string> Headers, string Body)> Requests { get; } = [];

    public static HttpResponseMessage Json(string json, HttpStatusCode status = HttpStatusCode.OK, string mediaType = "application/json") =>
        new(status) { Content = new StringContent(json, null, mediaType) };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        string body = request.Content is null ? "" : await request.Content.ReadAsStringAsync(cancellationToken);
        var headers = request.Headers.ToDictionary(header => header.Key, header => string.Join(' ', header.Value), StringComparer.OrdinalIgnoreCase);
        Requests.Add((request.Method.Method, request.RequestUri!.PathAndQuery, headers, body));
        var response = answer(request);
        response.RequestMessage = request;
        return response;
    }
}
