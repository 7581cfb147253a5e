using Lamina.Server.Auth;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>
/// Makes this host the first of a cluster: starts an etcd, moves the state there, and switches by one rename. Whatever fails before that is taken back, at once or at the next start.
/// </summary>
internal sealed class Founding(Instance instance, string hostId, TlsIdentity tls, IReadOnlyList<string> names, IStore store, TimeProvider time, ILoggerFactory loggers)
{
    private static readonly TimeSpan EtcdPatience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan EtcdPause = TimeSpan.FromMilliseconds(100);

    /// <returns>As kept; the daemon is to be started anew.</returns>
    /// <exception cref="ProblemException">It cannot be done; nothing is changed.</exception>
    public async Task<Membership> RunAsync(Membership planned, CancellationToken cancellation)
    {
        using var etcd = new EtcdServer(instance, hostId, time);
        try
        {
            planned.Write(instance);
            using var certificate = ClusterStart.CertificateOf(instance, hostId, planned, tls, names, time, loggers);
            var membership = planned.External is null ? await BeginAsync(planned, certificate, etcd, cancellation) : planned;
            await StoreChoice.MoveToEtcdAsync(instance, store, membership, time, cancellation);
            return membership;
        }
        catch when (!StoreFolder.IsEtcd(instance.StoreDirectory))
        {
            await etcd.RemoveAsync(CancellationToken.None);
            File.Delete(instance.MembershipFile);
            throw;
        }
    }

    /// <summary>A cluster of etcd with this one member.</summary>
    private async Task<Membership> BeginAsync(Membership planned, HostCertificate certificate, EtcdServer etcd, CancellationToken cancellation)
    {
        // What an attempt before has left.
        await etcd.RemoveAsync(cancellation);
        etcd.Run(planned, EtcdManner.First);
        using var admin = new EtcdAdmin(() => planned.Endpoints, () => certificate.Current, tls.CaPem);
        var members = await WaitAsync(admin, etcd, cancellation);
        var membership = planned with { EtcdMember = members.Single().Id, EtcdStarted = true };
        membership.Write(instance);
        return membership;
    }

    private async Task<IReadOnlyList<EtcdMember>> WaitAsync(EtcdAdmin admin, EtcdServer etcd, CancellationToken cancellation)
    {
        using var patience = new CancellationTokenSource(EtcdPatience, time);
        while (true)
        {
            try
            {
                return await admin.MembersAsync(cancellation);
            }
            catch (EtcdAdminException) when (etcd.IsRunning && !patience.IsCancellationRequested)
            {
                await Task.Delay(EtcdPause, time, cancellation);
            }
            catch (EtcdAdminException failure)
            {
                throw new ProblemException(
                    ProblemKind.Internal, "etcd.notStarted", $"etcd does not serve on this host: {failure.Message} {etcd.LastWords()}", $"Its log is {etcd.LogFile}. Are the ports {instance.EtcdClientPort} and {instance.EtcdPeerPort} free?", failure);
            }
        }
    }
}
