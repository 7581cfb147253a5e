using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Server.Http;

namespace Lamina.Server.Hosts;

/// <summary>Marks a connection to the peer port whose other end has shown no certificate: it may ask next to nothing.</summary>
internal sealed record PeerStranger;

/// <summary>
/// What hosts ask of each other: <c>/peer/v1/…</c>, which is no part of the public API and answered on the peer port only, to members only.
/// <c>peers.Post("/peer/v1/migrations/{id}/prepare", handler)</c>
/// </summary>
internal sealed class PeerRoutes(IEndpointRouteBuilder routes)
{
    public const string Prefix = "/peer/v1/";

    public void Get(string pattern, Func<PeerRequest, Task> handler) => Map(HttpMethods.Get, pattern, handler);

    public void Post(string pattern, Func<PeerRequest, Task> handler) => Map(HttpMethods.Post, pattern, handler);

    /// <summary>Also for who is no member yet: the handler checks who asks.</summary>
    public void PostOpen(string pattern, Func<HttpContext, Task> handler) => Add(HttpMethods.Post, pattern, http =>
        IsPeerPort(http) ? handler(http) : NotHereAsync(http));

    public static bool IsPeerPort(HttpContext http) => http.Features.Get<PeerCaller>() is not null || http.Features.Get<PeerStranger>() is not null;

    private void Map(string method, string pattern, Func<PeerRequest, Task> handler) => Add(method, pattern, http =>
        http.Features.Get<PeerCaller>() is { } caller ? handler(new PeerRequest(http, caller.HostId)) : NotHereAsync(http));

    private void Add(string method, string pattern, RequestDelegate handler)
    {
        if (!pattern.StartsWith(Prefix, StringComparison.Ordinal)) throw new ArgumentException($"{pattern} is not below {Prefix}", nameof(pattern));
        routes.MapMethods(pattern, [method], handler).ExcludeFromDescription();
    }

    private static Task NotHereAsync(HttpContext http) => throw new ProblemException(ProblemKind.NotFound, "path.notFound", $"There is nothing at {http.Request.Path}.", "See /openapi/v1.json.");
}

/// <summary>A request of another host.</summary>
internal sealed record PeerRequest(HttpContext Http, string HostId)
{
    public CancellationToken Aborted => Http.RequestAborted;

    public string Route(string name) => (string)Http.Request.RouteValues[name]!;

    /// <exception cref="ProblemException">It is not what it should be.</exception>
    public Task<T> ReadAsync<T>(JsonTypeInfo<T> type)
        where T : class => ReadAsync(Http, type);

    public Task WriteAsync<T>(T answer, JsonTypeInfo<T> type) => WriteAsync(Http, answer, type);

    internal static async Task<T> ReadAsync<T>(HttpContext http, JsonTypeInfo<T> type, long mostBytes = EndpointDescription.DefaultBodyBytes)
        where T : class
    {
        var body = await BodyReader.ReadAsync(http.Request, mostBytes, http.RequestAborted);
        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw new JsonException("it is null");
        }
        catch (JsonException wrong)
        {
            throw new ProblemException(ProblemKind.Invalid, "body.invalid", $"The body is not what it should be: {wrong.Message}", "Do both hosts run versions that work together?", wrong);
        }
    }

    internal static async Task WriteAsync<T>(HttpContext http, T answer, JsonTypeInfo<T> type)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(answer, type);
        http.Response.ContentType = "application/json";
        http.Response.ContentLength = body.Length;
        await http.Response.Body.WriteAsync(body, http.RequestAborted);
    }
}
