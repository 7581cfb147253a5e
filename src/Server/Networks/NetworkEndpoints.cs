using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Networks;

/// <summary><c>/v1/networks</c>: where guests are plugged in.</summary>
internal static class NetworkEndpoints
{
    public static WatchKind Watch { get; } = new WatchKind<Network>(
        "networks",
        [Keys.Networks.Spec, Keys.Networks.Status],
        (snapshot, id) => snapshot.Get(Keys.Networks.Spec, id) is { } spec ? View(snapshot, spec) : null,
        network => network.Project,
        ApiJson.Default.Network);

    public static void Map(ApiRoutes api)
    {
        api.Get("/v1/networks", Permission.View, "Lists networks", List).Paged().Filtered("name").Answers(ApiJson.Default.PageNetwork);
        api.Get("/v1/networks/{network}", Permission.View, "Shows a network", Show).Answers(ApiJson.Default.Network).Problems("network.notFound");
    }

    private static ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.Networks.Spec)
            .Where(spec => request.Shows(spec.Record.Project) && request.Passes("name", spec.Record.Name))
            .Select(spec => View(request.Snapshot, spec));
        return ApiAnswer.Ok(request.Page.Cut(all, network => $"{network.Name} {network.Id}"), ApiJson.Default.PageNetwork);
    }

    private static ApiAnswer Show(ApiRequest request)
    {
        var spec = request.Snapshot.Find(Keys.Networks.Spec, "network", request.Project, request.Route("network"));
        return ApiAnswer.Ok(View(request.Snapshot, spec), ApiJson.Default.Network, spec);
    }

    private static Network View(CacheSnapshot snapshot, CachedRecord<NetworkSpec> spec) => new()
    {
        Id = spec.Id,
        Name = spec.Record.Name,
        Project = spec.Record.Project,
        Spec = spec.Record,
        Status = snapshot.Get(Keys.Networks.Status, spec.Id)?.Record,
    };
}
