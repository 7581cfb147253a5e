using System.Net;
using Lamina.Server.Auth;
using Lamina.Server.Store;

namespace Lamina.Server.Cluster;

/// <summary>What comes before the store in a cluster: this host's keys and, when it is a voter, its etcd.</summary>
/// <param name="Membership">As found.</param>
/// <param name="Certificate">This host's among the members.</param>
/// <param name="Tls">Of which the CA is the cluster's.</param>
/// <param name="Etcd">This host's; it runs when it is to.</param>
internal sealed record ClusterStart(Membership Membership, HostCertificate Certificate, TlsIdentity Tls, EtcdServer Etcd)
{
    private static readonly string[] Loopback = ["localhost", "127.0.0.1", "::1"];

    /// <summary>
    /// Brings an init or join to its end, or takes it back: which of them, <c>store.json</c> alone decides (decision 19). Before anything else is opened.
    /// </summary>
    /// <returns>How this host is a member; null: it is alone.</returns>
    /// <exception cref="ProblemException">The store is a cluster's, and nothing says of which.</exception>
    public static async Task<Membership?> SettleAsync(Instance instance, string hostId, TimeProvider time, CancellationToken cancellation)
    {
        var membership = Membership.Read(instance);
        using var etcd = new EtcdServer(instance, hostId, time);
        if (membership is { Departing: true })
        {
            await Departure.RunAsync(instance, etcd, time, cancellation);
            return null;
        }

        if (StoreFolder.IsEtcd(instance.StoreDirectory))
        {
            SecretFiles.TakeUp(instance);
            JoinAttempt.Forget(instance);
            if (membership is null) throw new ProblemException(
                ProblemKind.Internal, "cluster.membershipMissing", $"The store of this host is a cluster's, but {instance.MembershipFile} is not there.",
                "Restore that file from a backup, or remove the host from the cluster ('lamina host remove HOST --dead' on a member) and let it join anew.");
            if (membership.AddressTry is { Problem: null } && !HostAddressRules.Own().Contains(membership.Address))
                membership = AddressTrial.TakeBack(instance, membership, $"{membership.Address} is no address of this host any more.");
            await etcd.StopElsewhereAsync(membership, cancellation);
            return membership;
        }

        SecretFiles.Discard(instance);
        if (membership is null) return null;
        await etcd.RemoveAsync(cancellation);
        File.Delete(instance.MembershipFile);
        return null;
    }

    /// <summary>
    /// Makes what is missing and starts this host's etcd, if it is a voter whose data are there. The other members are asked before: old data of a few voters could be a majority
    /// of a store that was given up, which must not begin to decide again.
    /// </summary>
    /// <exception cref="DaemonRestartException">This host was removed from the cluster.</exception>
    public static async Task<ClusterStart> OpenAsync(
        Instance instance, string hostId, Membership membership, TlsIdentity tls, IReadOnlyList<string> names, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var certificate = CertificateOf(instance, hostId, membership, tls, names, time, loggers);
        var etcd = new EtcdServer(instance, hostId, time);
        try
        {
            if (membership.External is null) membership = await StandAsync(instance, membership, certificate, tls, etcd, time, loggers, cancellation);
            if (membership.EtcdMember is not null && (etcd.HasData || !membership.EtcdStarted)) etcd.Run(membership);
            return new ClusterStart(membership, certificate, tls, etcd);
        }
        catch
        {
            etcd.Dispose();
            certificate.Dispose();
            throw;
        }
    }

    private static async Task<Membership> StandAsync(
        Instance instance, Membership membership, HostCertificate certificate, TlsIdentity tls, EtcdServer etcd, TimeProvider time, ILoggerFactory loggers, CancellationToken cancellation)
    {
        if (Turning.IsDue(instance, membership)) return await new Turning(instance, etcd, time, loggers.CreateLogger<Turning>()).RunAsync(membership, cancellation);
        return await Standing.FindAsync(instance, membership, certificate, tls, cancellation) ? throw new DaemonRestartException() : membership;
    }

    public static HostCertificate CertificateOf(
        Instance instance, string hostId, Membership membership, TlsIdentity tls, IReadOnlyList<string> names, TimeProvider time, ILoggerFactory loggers)
    {
        HostTrust.EnsureList(instance, tls);
        return new HostCertificate(
            tls, instance.SecretsDirectory, hostId, () => [membership.Address, .. HostAddressRules.Own(), .. names, Dns.GetHostName(), .. Loopback], time, loggers.CreateLogger<HostCertificate>());
    }
}
