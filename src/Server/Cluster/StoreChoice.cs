using Lamina.Server.Auth;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>Which store a host uses: <c>store.json</c> says it.</summary>
internal static class StoreChoice
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public static bool IsEtcd(string folder) => StoreFolder.Read(folder)?.Kind == StoreDescription.Etcd;

    /// <summary>Waits for a majority of the cluster, if it is one.</summary>
    /// <exception cref="DaemonRestartException">This host was removed from the cluster meanwhile.</exception>
    public static async Task<OpenedStore> OpenAsync(Instance instance, ClusterStart? member, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var access = member is null ? null : Access(instance, member.Membership);
        while (true)
        {
            try
            {
                return await StoreOpening.OpenAsync(instance.StoreDirectory, access, time, loggers, cancellation);
            }
            catch (StoreUnavailableException) when (access is not null)
            {
                await RequireStandingAsync(instance, member!, cancellation);
                await Task.Delay(Pause, time, cancellation);
            }
        }
    }

    public static async Task MoveToEtcdAsync(Instance instance, IStore store, Membership membership, TimeProvider time, CancellationToken cancellation) =>
        await StoreMove.RunAsync((SqliteStore)store, Access(instance, membership), time, null, cancellation);

    public static void UseEtcd(string folder, string storeId) => StoreFolder.Write(folder, new StoreDescription(StoreDescription.Etcd, storeId));

    /// <summary>The store refuses a host that was removed while it was away, as it refuses a stranger: the other members tell why.</summary>
    private static async Task RequireStandingAsync(Instance instance, ClusterStart member, CancellationToken cancellation)
    {
        if (member.Membership.External is not null || !await Standing.AskAsync(member.Membership, member.Certificate, cancellation)) return;
        Departure.Mark(instance, member.Membership);
        throw new DaemonRestartException();
    }

    public static EtcdAccess Access(Instance instance, Membership membership) => new()
    {
        Endpoints = membership.Endpoints,
        CaFile = membership.External?.CaFile ?? HostCertificate.CaFileIn(instance.SecretsDirectory),
        CertificateFile = membership.External?.CertificateFile ?? HostCertificate.FileIn(instance.SecretsDirectory),
        KeyFile = membership.External?.KeyFile ?? HostCertificate.FileIn(instance.SecretsDirectory),
    };
}
