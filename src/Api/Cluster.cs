using System.Text.Json.Serialization;

namespace Lamina.Api;

/// <summary>The cluster as <c>GET /v1/cluster</c> gives it.</summary>
public sealed record ClusterStatus
{
    /// <summary>False: this host is alone, and its state lies in SQLite.</summary>
    public bool IsCluster { get; init; }
    public string? Id { get; init; }
    public string? Name { get; init; }

    /// <summary>SHA-256 of the CA, with colons.</summary>
    public required string CaFingerprint { get; init; }

    /// <summary>The host that answers.</summary>
    public required string Host { get; init; }
    public IReadOnlyList<ClusterMember> Members { get; set; } = [];

    /// <summary>Of etcd; null: alone.</summary>
    public string? StoreVersion { get; init; }

    /// <summary>Up to which release all hosts go along, <c>0.1</c>: the lowest of their versions. Null: not known.</summary>
    public string? Level { get; init; }

    /// <summary>How many voters may fail before nothing can be written any more.</summary>
    public int VotersThatMayFail { get; init; }

    /// <summary>A change of the address of the host that answers, while it is tried or when it was taken back; null: there is none.</summary>
    public ClusterAddressChange? AddressChange { get; init; }

    /// <summary>What a person should know of it, in words.</summary>
    public IReadOnlyList<string> Notes { get; set; } = [];
}

/// <summary>A host in <see cref="ClusterStatus"/>.</summary>
public sealed record ClusterMember
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required HostAddresses Addresses { get; init; }
    public required ClusterRole Role { get; init; }
    public bool Witness { get; init; }

    /// <summary>It holds its lease in the store; null: not known now.</summary>
    public bool? Live { get; init; }

    /// <summary>Since when it does not; null: it does, or that is not known.</summary>
    public DateTimeOffset? SilentSince { get; init; }

    /// <summary>Its controllers decide for the cluster.</summary>
    public bool Leader { get; init; }
    public string? DaemonVersion { get; init; }
    public DateTimeOffset? CertificateEnds { get; init; }
}

/// <summary>What became of the guests since the cluster's store was recovered, as <c>GET /v1/cluster/recovery</c> gives it.</summary>
public sealed record ClusterRecovery
{
    /// <summary>False: the store was never recovered, and there is nothing else to say.</summary>
    public bool IsRecovered { get; init; }
    public long? Generation { get; init; }
    public DateTimeOffset? At { get; init; }

    /// <summary>Name of the host on which it was.</summary>
    public string? Host { get; init; }

    /// <summary>Name of the snapshot's file; null: what that host had of the store.</summary>
    public string? Snapshot { get; init; }

    /// <summary>Names of hosts that have not told what runs on them.</summary>
    public IReadOnlyList<string> SilentHosts { get; set; } = [];

    /// <summary>How many VMs neither start nor stop, since it is not known where they run.</summary>
    public int WaitingVms { get; init; }

    /// <summary>Of them, at most 1,000.</summary>
    public IReadOnlyList<RecoveringVm> Waiting { get; set; } = [];

    /// <summary>Guests that run and are of no VM on record.</summary>
    public IReadOnlyList<OrphanGuest> Orphans { get; set; } = [];
}

/// <summary>A VM that waits, in <see cref="ClusterRecovery"/>.</summary>
public sealed record RecoveringVm
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Project { get; init; }

    /// <summary>For what, and what to do, as sentences.</summary>
    public required string Why { get; init; }
}

/// <summary>A guest of no VM on record, in <see cref="ClusterRecovery"/>.</summary>
public sealed record OrphanGuest
{
    /// <summary>Name of the host on which it runs.</summary>
    public required string Host { get; init; }

    /// <summary>Id that its VM had.</summary>
    public required string Vm { get; init; }
    public required string Name { get; init; }
}

/// <summary>What a host is to the cluster's store.</summary>
[JsonConverter(typeof(CamelCaseEnum<ClusterRole>))]
public enum ClusterRole
{
    /// <summary>Uses it.</summary>
    Client,

    /// <summary>Runs a copy that does not vote yet.</summary>
    Learner,

    /// <summary>Runs a copy that votes.</summary>
    Voter,
}

/// <summary>Body of <c>POST /v1/cluster/init</c>.</summary>
public sealed record ClusterInit
{
    /// <summary>A label.</summary>
    public required string Name { get; init; }

    /// <summary>By which the other hosts reach this one; null: its only address.</summary>
    public string? Address { get; init; }

    /// <summary>An etcd that is there already: its https addresses. Null: the hosts run their own.</summary>
    public ExternalEtcd? Etcd { get; init; }
}

/// <summary>An etcd that somebody else looks after.</summary>
public sealed record ExternalEtcd : RecordPart
{
    public required IReadOnlyList<string> Endpoints { get; init; }

    /// <summary>PEM files on each host, readable by root.</summary>
    public required string CaFile { get; init; }
    public required string CertificateFile { get; init; }
    public required string KeyFile { get; init; }
}

/// <summary>Body of <c>POST /v1/cluster/tokens</c>.</summary>
public sealed record ClusterTokenCreate
{
    /// <summary>Default: 60.</summary>
    public int? LifetimeMinutes { get; init; }
}

/// <summary>Lets one host join, once.</summary>
public sealed record ClusterToken
{
    /// <summary>A secret: whoever has it can become a member.</summary>
    public required string Token { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
}

/// <summary>Body of <c>POST /v1/cluster/join</c>, asked of the host that joins.</summary>
public sealed record ClusterJoin
{
    public required string Token { get; init; }

    /// <summary>By which the other hosts reach this one; null: the address from which the cluster is reached.</summary>
    public string? Address { get; init; }

    /// <summary>It only votes, and runs no VM.</summary>
    public bool Witness { get; init; }

    /// <summary>Only checks.</summary>
    public bool DryRun { get; init; }
}

/// <summary>Body of <c>POST /v1/cluster/address</c>, asked of the host that it concerns.</summary>
public sealed record ClusterAddress
{
    /// <summary>An address of this machine.</summary>
    public required string Address { get; init; }
}

/// <summary>A host's change of the address by which the others reach it.</summary>
public sealed record ClusterAddressChange
{
    public required string Former { get; init; }
    public required string Wanted { get; init; }

    /// <summary>Why it was taken back; null: it is being tried.</summary>
    public string? Problem { get; init; }
}

/// <summary>What became of a join.</summary>
public sealed record ClusterJoined
{
    public required string Cluster { get; init; }

    /// <summary>Of the cluster that it is now a member of: contexts that pinned the host's own CA log in again.</summary>
    public required string CaFingerprint { get; init; }

    /// <summary>What is different from then on for what the host has brought along, in words.</summary>
    public IReadOnlyList<string> Notes { get; set; } = [];
}

/// <summary>Key <c>cluster</c>: that there is one.</summary>
public sealed record ClusterSpec : StoredRecord
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Key <c>hosts/&lt;id&gt;/certificate</c>, written by that host.</summary>
public sealed record HostCertificateRecord : StoredRecord
{
    /// <summary>Hexadecimal; the last few, since all of them hold until they end. When the host is removed they are revoked.</summary>
    public required IReadOnlyList<string> SerialNumbers { get; init; }
    public required DateTimeOffset NotAfter { get; init; }
}

/// <summary>Key <c>jointokens/&lt;id&gt;</c>.</summary>
public sealed record JoinTokenRecord : StoredRecord
{
    public required string SecretSha256 { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    public required string MadeBy { get; init; }

    /// <summary>The host that has joined by it; null: nobody yet.</summary>
    public string? UsedBy { get; init; }
}

/// <summary>Key <c>removedhosts/&lt;id&gt;</c>: a host that is no member any more, and must never be one under this identity.</summary>
public sealed record RemovedHost : StoredRecord
{
    public required string Name { get; init; }
    public required DateTimeOffset RemovedAt { get; init; }

    /// <summary>A person's word that it was dead.</summary>
    public bool Dead { get; init; }

    /// <summary>Of its certificates.</summary>
    public IReadOnlyList<string> SerialNumbers { get; set; } = [];
}
