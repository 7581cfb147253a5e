using System.Globalization;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>Which store a host uses: <c>store.json</c> says it.</summary>
internal static class StoreChoice
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>The etcd that keeps this host's store, and its generation: <c>cdf818194e3a8c32.1</c>.</summary>
    public static string IdOf(string folder) => StoreFolder.Read(folder)!.StoreId;

    public static long GenerationOf(string folder) => IdOf(folder).Split('.') is [_, var generation] ? long.Parse(generation, CultureInfo.InvariantCulture) : 1;

    /// <summary>From the next start on this host uses the store that was recovered.</summary>
    public static void Switch(Instance instance, RecoveryRecord recovery) =>
        UseEtcd(instance.StoreDirectory, string.Create(CultureInfo.InvariantCulture, $"{recovery.Etcd}.{recovery.Generation}"));

    /// <summary>Waits for a majority of the cluster, if it is one.</summary>
    /// <exception cref="DaemonRestartException">This host was removed from the cluster meanwhile, or the store was recovered without it.</exception>
    public static async Task<OpenedStore> OpenAsync(Instance instance, ClusterStart? member, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var access = member is null ? null : Access(instance, member.Membership);
        long began = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await StoreOpening.OpenAsync(instance.StoreDirectory, access, time, loggers, cancellation);
            }
            catch (StoreUnavailableException) when (access is not null)
            {
                if (await Standing.FindAsync(instance, member!.Membership, member.Certificate, member.Tls, cancellation)) throw new DaemonRestartException();
                AddressTrial.RequireStore(instance, member!.Membership, time.GetElapsedTime(began));
                await Task.Delay(Pause, time, cancellation);
            }
        }
    }

    public static async Task MoveToEtcdAsync(Instance instance, IStore store, Membership membership, TimeProvider time, CancellationToken cancellation) =>
        await StoreMove.RunAsync((SqliteStore)store, Access(instance, membership), time, null, cancellation);

    public static void UseEtcd(string folder, string storeId) => StoreFolder.Write(folder, new StoreDescription(StoreDescription.Etcd, storeId));

    public static EtcdAccess Access(Instance instance, Membership membership) => new()
    {
        // A voter whose address has gone from this machine answers here still.
        Endpoints = membership.EtcdMember is null || membership.IsThere(HostAddressRules.Own()) ? membership.Endpoints : [EtcdArguments.PrivateClient(instance), .. membership.Endpoints],
        Trouble = membership.EtcdMember is null ? null : () => EtcdTrouble.Of(instance),
        CaFile = membership.External?.CaFile ?? HostCertificate.CaFileIn(instance.SecretsDirectory),
        CertificateFile = membership.External?.CertificateFile ?? HostCertificate.FileIn(instance.SecretsDirectory),
        KeyFile = membership.External?.KeyFile ?? HostCertificate.FileIn(instance.SecretsDirectory),
    };
}
