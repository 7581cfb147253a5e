using Lamina.Api;
using Lamina.Server.Control;

namespace Lamina.Server.Http;

/// <summary>What is served without any object: <c>/healthz</c> and <c>/v1</c>.</summary>
internal static class ServerEndpoints
{
    public static void Map(ApiRoutes api, Instance instance, Cache cache, string caFingerprint)
    {
        api.Get("/healthz", Permission.Public, "Says that the daemon answers and that its store does", _ => Healthy(cache))
            .InstallationWide()
            .Answers(ApiJson.Default.Health);
        api.Get("/v1", Permission.Public, "Says what answers here", _ => ApiAnswer.Ok(Describe(instance, caFingerprint), ApiJson.Default.ServerInformation))
            .InstallationWide()
            .Answers(ApiJson.Default.ServerInformation);
    }

    private static ApiAnswer Healthy(Cache cache) => cache.IsStale
        ? throw new ProblemException(ProblemKind.Unavailable, "store.unavailable", "The store cannot be read: nothing starts, guests run on.", "See the daemon's log.")
        : ApiAnswer.Ok(new Health { Status = "ok" }, ApiJson.Default.Health);

    private static ServerInformation Describe(Instance instance, string caFingerprint) => new()
    {
        Product = "Lamina",
        Version = BuildInformation.Version,
        Instance = instance.Name,
        CaFingerprint = caFingerprint,
        Features = [],
    };
}
