using Lamina.Server.Control;
using Lamina.Server.Hosts;

namespace Lamina.Server.Cluster;

/// <summary><c>/peer/v1/standing</c>: what a host must know before anything else. That it was removed, <see cref="PeerGate"/> says; that the store was recovered, the answer.</summary>
internal sealed class StandingDesk(Cache cache)
{
    public const string Path = "/peer/v1/standing";

    public void Map(PeerRoutes peers) => peers.Get(
        Path, request => request.WriteAsync(new StandingAnswer { Recovery = cache.Snapshot.Get(Keys.Recovery, "")?.Record }, ClusterJson.Default.StandingAnswer));
}

/// <summary>What a member says of its store.</summary>
internal sealed record StandingAnswer
{
    /// <summary>Null: it was never recovered.</summary>
    public RecoveryRecord? Recovery { get; init; }
}
