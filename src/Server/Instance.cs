using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Lamina.Server;

/// <summary>
/// One daemon's own corner of the machine (decision 20): every path, port, uid, subnet, cgroup, link and table derives from its name and
/// number, so that several daemons, tests among them, never meet. The default instance has number 0.
/// </summary>
internal sealed record Instance
{
    public const string DefaultName = "default";

    /// <summary>192.168.(200+n).0/24 ends the numbers first.</summary>
    public const int LastNumber = 55;

    /// <summary>A label; part of names on the host.</summary>
    public required string Name { get; init; }
    public required int Number { get; init; }

    /// <summary><c>/etc/lamina</c>: <c>lamina.yaml</c> and <c>conf.d/</c>.</summary>
    public required string ConfigurationDirectory { get; init; }

    /// <summary><c>/var/lib/lamina</c>.</summary>
    public required string DataDirectory { get; init; }

    /// <summary><c>/run/lamina</c>; sockets lie below it, so it is short.</summary>
    public required string RunDirectory { get; init; }

    /// <summary><c>/var/log/lamina</c>.</summary>
    public required string LogDirectory { get; init; }

    public bool IsDefault => Name == DefaultName;

    public string StoreDirectory => Path.Combine(DataDirectory, "db");

    /// <summary>Of the store, one a day.</summary>
    public string BackupDirectory => Path.Combine(DataDirectory, "backups");

    /// <summary>The pool <c>default</c>, when the configuration names no other place.</summary>
    public string DefaultPoolDirectory => Path.Combine(DataDirectory, "pools", "default");

    /// <summary>The past of host and VMs; may be deleted while the daemon is stopped.</summary>
    public string MetricsDirectory => Path.Combine(DataDirectory, "metrics");

    /// <summary>What was probed of QEMU; may be deleted at any time.</summary>
    public string CacheDirectory => Path.Combine(DataDirectory, "cache");

    /// <summary>Keys and certificates of the installation, root only.</summary>
    public string SecretsDirectory => Path.Combine(DataDirectory, "secrets");

    /// <summary>Which files are being brought here for VMs that come at rest.</summary>
    public string ArrivalsDirectory => Path.Combine(DataDirectory, "arrivals");

    /// <summary>What is being done to physical cards, and how they were before: of no other host, and not lost by a reboot.</summary>
    public string UplinksDirectory => Path.Combine(DataDirectory, "uplinks");

    public string LocalSocket => Path.Combine(RunDirectory, "lamina.sock");

    public string VmsDirectory => Path.Combine(RunDirectory, "vms");

    public string VmDirectory(string vmId) => Path.Combine(VmsDirectory, vmId);

    public int ApiPort => 7443 + (200 * Number);

    /// <summary>Where the other hosts of a cluster call this one.</summary>
    public int PeerPort => ApiPort + 1;

    public int EtcdClientPort => ApiPort + 2;

    public int EtcdPeerPort => ApiPort + 3;

    /// <summary>UDP, of VXLANs (RFC 7348).</summary>
    public int OverlayPort => OverlayPortOf(PeerPort);

    /// <summary>Of a host that is called by the others at this port: all ports of an instance are apart alike.</summary>
    public static int OverlayPortOf(int peerPort) => 4789 + (peerPort - 7444);

    /// <summary>What this host knows of its cluster before any store answers; absent: it is alone.</summary>
    public string MembershipFile => Path.Combine(DataDirectory, "cluster.json");

    /// <summary>Of this host's etcd, when it is a voter.</summary>
    public string EtcdDirectory => Path.Combine(DataDirectory, "etcd");

    /// <summary>QEMU processes and helpers run as uids from here on, one per running VM.</summary>
    public int FirstUserId => 200_000 + (UserIdCount * Number);

    public const int UserIdCount = 4096;

    /// <summary>The last of them: for tools that read foreign files, never for VMs.</summary>
    public const int WorkerUserIdCount = 6;

    public IReadOnlyList<uint> WorkerUserIds =>
        [.. Enumerable.Range(FirstUserId + UserIdCount - WorkerUserIdCount, WorkerUserIdCount).Select(id => (uint)id)];

    /// <summary>dnsmasq's: neither a tool's nor a VM's.</summary>
    public uint DnsmasqUserId => (uint)(FirstUserId + UserIdCount - WorkerUserIdCount - 1);

    /// <summary>The rest: one per running VM.</summary>
    public IReadOnlyList<int> VmUserIds => [.. Enumerable.Range(FirstUserId, UserIdCount - WorkerUserIdCount - 1)];

    /// <summary>Of the network <c>default</c>.</summary>
    public string DefaultSubnet => string.Create(CultureInfo.InvariantCulture, $"192.168.{200 + Number}.0/24");

    public string NftTable => string.Create(CultureInfo.InvariantCulture, $"lamina_{Number}");

    /// <summary>VMs' cgroups are <c>lamina-&lt;instance&gt;/&lt;vm uuid&gt;</c>.</summary>
    public string CgroupName => $"lamina-{Name}";

    /// <summary>
    /// A network link's name on the host (decision 18): <c>lm</c> and 13 base32 characters of SHA-256(instance, owner, slot), which is all that
    /// the kernel's 15 characters hold. <see cref="LinkOwner"/> goes into its alias in full.
    /// </summary>
    public string LinkName(string ownerId, string slot)
    {
        byte[] hash = SHA256.HashData(Encoding.UTF8.GetBytes(LinkOwner(ownerId, slot)));
        const string alphabet = "abcdefghijklmnopqrstuvwxyz234567";
        var name = new StringBuilder("lm", 15);
        var bits = BinaryPrimitives.ReadUInt128BigEndian(hash);
        for (int index = 0; index < 13; index++) name.Append(alphabet[(int)((bits >> (123 - (5 * index))) & 31)]);
        return name.ToString();
    }

    /// <summary>The alias of a link: <c>lamina/&lt;instance&gt;/&lt;owner&gt;/&lt;slot&gt;</c>.</summary>
    public string LinkOwner(string ownerId, string slot) => $"lamina/{Name}/{ownerId}/{slot}";
}
