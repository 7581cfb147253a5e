using Lamina.Api;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Pools;

namespace Lamina.Server.Disks;

/// <summary><c>/v1/orphans</c>: folders in pools that no record speaks of. They are listed, and removed by people only.</summary>
internal sealed class OrphanEndpoints(Cache cache, HostPools pools)
{
    public void Map(ApiRoutes api) => api
        .Get("/v1/orphans", Permission.View, "Lists folders in pools that no record speaks of", List)
        .Query("host", "Name or id of the host whose pools are looked through; default: the one that is asked.")
        .OnHost(request => request.Query("host") is { } named ? request.Snapshot.FindInstalled(Keys.Hosts.Spec, "host", named).Id : null)
        .InstallationWide().Paged().Answers(ApiJson.Default.PageOrphan);

    private ApiAnswer List(ApiRequest request)
    {
        var all = request.Snapshot.All(Keys.Pools.Spec).Where(pool => pools.IsHere(pool.Id)).SelectMany(Of);
        return ApiAnswer.Ok(request.Page.Cut(all, orphan => orphan.Path), ApiJson.Default.PageOrphan);
    }

    private IReadOnlyList<Orphan> Of(CachedRecord<PoolSpec> pool)
    {
        try
        {
            using var root = RootedDirectory.Open(new PoolPaths(pool.Record.Path).Root);
            return
            [
                .. PoolOrphans.Read(root, pool.Id, cache).Select(path => new Orphan
                {
                    Pool = pool.Record.Name,
                    Path = Path.Join(pool.Record.Path, path),
                    Kind = PoolOrphans.NounOf(path.Split('/')[0]),
                    AllocatedBytes = PoolFiles.AllocatedBytes(root, path),
                }),
            ];
        }
        catch (Exception away) when (away is LinuxException or IOException)
        {
            return []; // the pool's status says that it is away
        }
    }
}
