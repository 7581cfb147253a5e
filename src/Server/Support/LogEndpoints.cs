using Lamina.Api;
using Lamina.Server.Hosts;
using Lamina.Server.Http;

namespace Lamina.Server.Support;

/// <summary><c>GET /v1/logs</c>: the daemon's last lines; those of one request, when its id is named.</summary>
internal sealed class LogEndpoints(LogRing ring)
{
    private const int DefaultLines = 200;
    private const int MostLines = 8000;

    public void Map(ApiRoutes api) => api.Get("/v1/logs", Permission.Administer, "Gives the daemon's last log lines, newest last", List)
        .Query("request", "Only those of the request with this id (X-Request-Id).").Filtered("level", "category")
        .Query("limit", $"So many of the newest, 1 to {MostLines}; default {DefaultLines}.")
        .Query("host", HostEndpoints.HostQuery).OnHost(HostEndpoints.HostNamed)
        .Answers(ApiJson.Default.PageLogEntry).InstallationWide();

    private ApiAnswer List(ApiRequest request)
    {
        string? id = request.Query("request");
        // Lines about each request are many and of use only to who asks for one.
        string levels = request.Query("level") ?? (id is null ? "information,warning,error" : "*");
        var lines = ring.Read()
            .Where(line => (id is null || line.RequestId == id) && Filter.Passes(levels, line.Level) && request.Passes("category", line.Category))
            .TakeLast(request.QueryNumber("limit", 1, MostLines) ?? DefaultLines);
        return ApiAnswer.Ok(new Page<LogEntry> { Items = [.. lines] }, ApiJson.Default.PageLogEntry);
    }
}
