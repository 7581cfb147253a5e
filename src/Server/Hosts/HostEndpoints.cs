using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Hosts;

/// <summary><c>/v1/hosts</c>: the machines that run VMs.</summary>
internal static class HostEndpoints
{
    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Lamina.Api.Host>(
        "hosts", [Keys.Hosts.Spec, Keys.Hosts.Status], Get, _ => null, ApiJson.Default.Host);

    public static void Map(ApiRoutes api)
    {
        api.Get("/v1/hosts", Permission.View, "Lists hosts", List).Answers(ApiJson.Default.PageHost).Paged().InstallationWide();
        api.Get("/v1/hosts/{host}", Permission.View, "Shows a host, by name or id", Show)
            .Answers(ApiJson.Default.Host).InstallationWide().Problems("host.notFound");
    }

    private static ApiAnswer List(ApiRequest request) => ApiAnswer.Ok(
        request.Page.Cut(request.Snapshot.All(Keys.Hosts.Spec).Select(spec => Get(request.Snapshot, spec.Id)!), host => $"{host.Name} {host.Id}"),
        ApiJson.Default.PageHost);

    private static ApiAnswer Show(ApiRequest request)
    {
        var spec = request.Snapshot.FindInstalled(Keys.Hosts.Spec, "host", request.Route("host"));
        return ApiAnswer.Ok(Get(request.Snapshot, spec.Id)!, ApiJson.Default.Host, spec);
    }

    private static Lamina.Api.Host? Get(CacheSnapshot snapshot, string id) => snapshot.Get(Keys.Hosts.Spec, id) is { } spec
        ? new Lamina.Api.Host { Id = id, Name = spec.Record.Name, Spec = spec.Record, Status = snapshot.Get(Keys.Hosts.Status, id)?.Record }
        : null;
}
