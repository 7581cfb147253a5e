using System.Globalization;
using Lamina.Api;
using Lamina.Server.Auth;

namespace Lamina.Server.Cluster;

/// <summary>The command line of a host's etcd (pure). Sources: etcd 3.4, <c>etcd --help</c>.</summary>
internal static class EtcdArguments
{
    /// <summary>Of the data; beyond it etcd takes no writes. Records are small: 10,000 VMs need some 100 MiB with an hour of history.</summary>
    public const long QuotaBytes = 4L << 30;

    /// <summary>Names the process for whoever looks for it again.</summary>
    public static string DataArgument(Instance instance) => $"--data-dir={DataFolder(instance)}";

    /// <summary>Says by which address others reach it.</summary>
    public static string ReachedArgument(Instance instance, Membership member) => $"--advertise-client-urls={Addresses.EtcdClient(Addresses.Of(instance, member.Address))}";

    /// <summary>Says that other members cannot call it.</summary>
    public static string DeafArgument(Instance instance) => string.Create(CultureInfo.InvariantCulture, $"--listen-peer-urls=https://127.0.0.1:{instance.EtcdPeerPort}");

    public static string DataFolder(Instance instance) => Path.Combine(instance.EtcdDirectory, "data");

    /// <summary>Certificates that count no more; etcd reads it at each handshake.</summary>
    public static string RevokedFile(Instance instance) => Path.Combine(instance.SecretsDirectory, "revoked.crl");

    /// <param name="instance">Whose folders and ports.</param>
    /// <param name="hostId">Names the member.</param>
    /// <param name="member">With its initial cluster.</param>
    /// <param name="manner">What it begins as, and for whom it answers.</param>
    /// <param name="listening">By which addresses it is reached; null: the member's; empty: none is there, so it answers this host and calls the others.</param>
    public static IReadOnlyList<string> Of(Instance instance, string hostId, Membership member, EtcdManner manner, IReadOnlyList<string>? listening = null)
    {
        bool isPrivate = manner is EtcdManner.Private or EtcdManner.Survivor;
        string peer = Addresses.EtcdPeer(Addresses.Of(instance, member.Address));
        HostAddresses[] all = [.. (listening ?? [member.Address]).Select(address => Addresses.Of(instance, address))];
        bool isDeaf = isPrivate || all.Length == 0;
        string certificate = HostCertificate.FileIn(instance.SecretsDirectory);
        string ca = HostCertificate.CaFileIn(instance.SecretsDirectory);
        string revoked = RevokedFile(instance);
        return
        [
            $"--name={hostId}",
            DataArgument(instance),
            $"--listen-client-urls={string.Join(',', [.. isPrivate ? [] : all.Select(Addresses.EtcdClient), PrivateClient(instance)])}",
            ReachedArgument(instance, member),
            isDeaf ? DeafArgument(instance) : $"--listen-peer-urls={string.Join(',', all.Select(Addresses.EtcdPeer))}",
            $"--initial-advertise-peer-urls={peer}",
            $"--initial-cluster={member.EtcdInitialCluster}",
            $"--initial-cluster-token={member.ClusterId}",
            $"--initial-cluster-state={(manner == EtcdManner.First ? "new" : "existing")}",
            "--client-cert-auth", $"--trusted-ca-file={ca}", $"--cert-file={certificate}", $"--key-file={certificate}", $"--client-crl-file={revoked}",
            "--peer-client-cert-auth", $"--peer-trusted-ca-file={ca}", $"--peer-cert-file={certificate}", $"--peer-key-file={certificate}", $"--peer-crl-file={revoked}",
            "--auto-compaction-mode=periodic", "--auto-compaction-retention=1h",
            string.Create(CultureInfo.InvariantCulture, $"--quota-backend-bytes={QuotaBytes}"),
            "--strict-reconfig-check", "--logger=zap", "--log-level=warn", "--log-outputs=stderr",
            .. manner == EtcdManner.Survivor ? new[] { "--force-new-cluster" } : [],
        ];
    }

    /// <summary>Where it always answers this host.</summary>
    public static string PrivateClient(Instance instance) => string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{instance.EtcdClientPort}");
}

/// <summary>What an etcd begins as, and for whom it answers.</summary>
internal enum EtcdManner
{
    /// <summary>It goes on with its data, or enters a cluster that there is.</summary>
    Member,

    /// <summary>It begins a cluster, when it has no data yet.</summary>
    First,

    /// <summary>It answers this host only.</summary>
    Private,

    /// <summary>The same, and it becomes the only member of the cluster that its data are of: the others are lost.</summary>
    Survivor,
}
