using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Pools;

/// <summary><c>/v1/pools</c>: where disks live, and how full that is.</summary>
internal static class PoolEndpoints
{
    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Pool>(
        "pools", [Keys.Pools.Spec, Keys.Pools.Status], (snapshot, id) => snapshot.Get(Keys.Pools.Spec, id) is { } spec ? View(snapshot, spec) : null, _ => null, ApiJson.Default.Pool);

    public static void Map(ApiRoutes api)
    {
        api.Get("/v1/pools", Permission.View, "Lists the pools", List).InstallationWide().Paged().Answers(ApiJson.Default.PagePool);
        api.Get("/v1/pools/{pool}", Permission.View, "Shows a pool", Show).InstallationWide().Answers(ApiJson.Default.Pool).Problems("pool.notFound");
    }

    private static ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.Pools.Spec).Select(spec => View(request.Snapshot, spec));
        return ApiAnswer.Ok(request.Page.Cut(all, pool => $"{pool.Name}/{pool.Id}"), ApiJson.Default.PagePool);
    }

    private static ApiAnswer Show(ApiRequest request)
    {
        var spec = request.Snapshot.FindInstalled(Keys.Pools.Spec, "pool", request.Route("pool"));
        return ApiAnswer.Ok(View(request.Snapshot, spec), ApiJson.Default.Pool, spec);
    }

    private static Pool View(CacheSnapshot snapshot, CachedRecord<PoolSpec> spec) => new()
    {
        Id = spec.Id,
        Name = spec.Record.Name,
        Spec = spec.Record,
        Status = snapshot.Get(Keys.Pools.Status, spec.Id)?.Record,
    };
}
