using System.Globalization;
using Lamina.Server.Auth;

namespace Lamina.Server.Cluster;

/// <summary>The command line of a host's etcd (pure). Sources: etcd 3.4, <c>etcd --help</c>.</summary>
internal static class EtcdArguments
{
    /// <summary>Of the data; beyond it etcd takes no writes. Records are small: 10,000 VMs need some 100 MiB with an hour of history.</summary>
    private const long QuotaBytes = 4L << 30;

    /// <summary>Names the process for whoever looks for it again.</summary>
    public static string DataArgument(Instance instance) => $"--data-dir={DataFolder(instance)}";

    public static string DataFolder(Instance instance) => Path.Combine(instance.EtcdDirectory, "data");

    /// <summary>Certificates that count no more; etcd reads it at each handshake.</summary>
    public static string RevokedFile(Instance instance) => Path.Combine(instance.SecretsDirectory, "revoked.crl");

    /// <param name="instance">Whose folders and ports.</param>
    /// <param name="hostId">Names the member.</param>
    /// <param name="member">With its initial cluster.</param>
    /// <param name="isFirst">It begins a cluster; else it enters one.</param>
    public static IReadOnlyList<string> Of(Instance instance, string hostId, Membership member, bool isFirst)
    {
        var addresses = Addresses.Of(instance, member.Address);
        string client = Addresses.EtcdClient(addresses);
        string peer = Addresses.EtcdPeer(addresses);
        string certificate = HostCertificate.FileIn(instance.SecretsDirectory);
        string ca = HostCertificate.CaFileIn(instance.SecretsDirectory);
        string revoked = RevokedFile(instance);
        return
        [
            $"--name={hostId}",
            DataArgument(instance),
            $"--listen-client-urls={client},{string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{instance.EtcdClientPort}")}",
            $"--advertise-client-urls={client}",
            $"--listen-peer-urls={peer}",
            $"--initial-advertise-peer-urls={peer}",
            $"--initial-cluster={member.EtcdInitialCluster}",
            $"--initial-cluster-token={member.ClusterId}",
            $"--initial-cluster-state={(isFirst ? "new" : "existing")}",
            "--client-cert-auth", $"--trusted-ca-file={ca}", $"--cert-file={certificate}", $"--key-file={certificate}", $"--client-crl-file={revoked}",
            "--peer-client-cert-auth", $"--peer-trusted-ca-file={ca}", $"--peer-cert-file={certificate}", $"--peer-key-file={certificate}", $"--peer-crl-file={revoked}",
            "--auto-compaction-mode=periodic", "--auto-compaction-retention=1h",
            string.Create(CultureInfo.InvariantCulture, $"--quota-backend-bytes={QuotaBytes}"),
            "--strict-reconfig-check", "--logger=zap", "--log-level=warn", "--log-outputs=stderr",
        ];
    }
}
