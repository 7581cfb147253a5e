using System.Globalization;
using Lamina.Server.Control;

namespace Lamina.Server.Cluster;

/// <summary>
/// What a host does whose store was recovered without it: its etcd ends, its copy is put aside, and the host turns to the new store, to which it reports what runs on it.
/// Guests are not touched. Decided by <see cref="Standing"/>, carried out at the next start, and begun again after a crash.
/// </summary>
internal sealed partial class Turning(Instance instance, EtcdServer etcd, TimeProvider time, ILogger<Turning> logger)
{
    /// <summary>The store of a recovery is known that this host does not use yet.</summary>
    public static bool IsDue(Instance instance, Membership membership) =>
        membership.Recovery is { } recovery && recovery.Etcd != StoreChoice.IdOf(instance.StoreDirectory).Split('.')[0];

    public async Task<Membership> RunAsync(Membership membership, CancellationToken cancellation)
    {
        var recovery = membership.Recovery!;
        await etcd.StopAsync(cancellation);
        string? aside = etcd.HasData ? ClusterRecovery.SetAside(instance, time) : null;
        LogTurned(logger, recovery.Generation, string.Join(", ", recovery.Endpoints), aside ?? "none");
        var turned = membership with
        {
            Endpoints = recovery.Endpoints,
            EtcdMember = null,
            EtcdInitialCluster = null,
            EtcdStarted = false,
            Untold = string.Create(
                CultureInfo.InvariantCulture,
                $"has turned from a store that was given up to the one recovered in generation {recovery.Generation}{(aside is null ? "" : $"; its old copy of the former lies in {aside}")}."),
        };
        turned.Write(instance);
        StoreChoice.Switch(instance, recovery);
        return turned;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "This host turns to the store that was recovered, of generation {Generation}, at {Endpoints}; its copy of the former one lies in {Aside}. It waits until that answers; if it was given up in its turn, recover it by 'laminad cluster-recover' on a host that has it")]
    private static partial void LogTurned(ILogger logger, long generation, string endpoints, string aside);
}
