using System.Text.Json.Serialization;
using Lamina.Api;

namespace Lamina.Server.Control;

/// <summary>Says that a name, MAC or address is taken, and by which object.</summary>
internal sealed record Claim : StoredRecord
{
    /// <summary>Id of the object (for macs and addresses: of the VM).</summary>
    public required string Owner { get; init; }

    /// <summary>Id of the host that is about to bring the object into the cluster; null: the object is here.</summary>
    public string? Joining { get; init; }
}

/// <summary>A sealed secret: only the room that seals it can read it.</summary>
internal sealed record SecretRecord : StoredRecord
{
    /// <summary>Id of the object that it belongs to; it is deleted with it.</summary>
    public required string Owner { get; init; }

    /// <summary>Encrypted and authenticated; base64 in JSON.</summary>
    public required byte[] Sealed { get; init; }
}

/// <summary>The answer that a creation with an Idempotency-Key got, for the next request with the same key.</summary>
internal sealed record IdempotencyRecord : StoredRecord
{
    /// <summary>
    /// HMAC-SHA-256 of method, path and body under a key outside the store: the same key with another request is refused, and the store gives
    /// no hash against which a password in a body could be guessed.
    /// </summary>
    public required string RequestMac { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Id of the object made.</summary>
    public required string Target { get; init; }

    /// <summary>Id of the operation begun, if any.</summary>
    public string? Operation { get; init; }
}

/// <summary>Raised when the store was restored to an older state: before hosts have reported, nothing starts or dies.</summary>
internal sealed record GenerationRecord : StoredRecord
{
    public required long Number { get; init; }
}

/// <summary>
/// Key <c>store/recovery</c>: this store is the copy of a lost one, as of some moment in the past (decision 19). Everything that was written before this record was
/// is of the lost store. It is signed by the cluster's CA, so that whoever still has the lost store's data believes it.
/// </summary>
internal sealed record RecoveryRecord : StoredRecord
{
    public required string ClusterId { get; init; }

    /// <summary>Above each that the lost store had.</summary>
    public required long Generation { get; init; }

    /// <summary>Id of the etcd that keeps it now, hexadecimal.</summary>
    public required string Etcd { get; init; }

    /// <summary>Where that answered first.</summary>
    public required IReadOnlyList<string> Endpoints { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>Id of the host on which a person has recovered it.</summary>
    public required string Host { get; init; }

    /// <summary>Name of the snapshot's file; null: it is what that host itself had of the store.</summary>
    public string? Snapshot { get; init; }

    /// <summary>By the key of the cluster's CA: ECDSA, SHA-256.</summary>
    public byte[] Signature { get; set; } = [];
}

/// <summary>Whose controllers decide. Made anew with each term, so that its create revision names the term.</summary>
internal sealed record LeaderRecord : StoredRecord
{
    public required string Host { get; init; }

    /// <summary>Boot id and a nonce of the daemon's data (decision 4).</summary>
    public required string Incarnation { get; init; }
}

/// <summary>Key <c>hosts/&lt;id&gt;/report</c>, written by that host: in a store that was recovered it has told all that runs on it.</summary>
internal sealed record HostReport : StoredRecord
{
    /// <summary>Of the store to which it was told.</summary>
    public required long Generation { get; init; }

    public required DateTimeOffset At { get; init; }
}

/// <summary>Key <c>hosts/&lt;id&gt;/guests/&lt;vm&gt;</c>, written by that host with its <see cref="HostReport"/>: a process that it had then.</summary>
internal sealed record HostGuest : StoredRecord
{
    public required string Name { get; init; }

    /// <summary>Of the assignment under which it was started, or given to this host.</summary>
    public required long Epoch { get; init; }

    public required long Run { get; init; }

    /// <summary>Its guest can run here, or does: it has not left for another host, and is not still to come from one.</summary>
    public required bool Runs { get; init; }
}

/// <summary>Key <c>hosts/&lt;id&gt;/voter</c>, written by the leader: what this host is to the cluster's etcd.</summary>
internal sealed record VoterRecord : StoredRecord
{
    /// <summary>Its member of etcd, hexadecimal; null: it is to run none.</summary>
    public string? Member { get; init; }

    /// <summary>It follows and does not vote yet.</summary>
    public bool IsLearner { get; init; }

    /// <summary>What its etcd is told of the members when it begins.</summary>
    public string? InitialCluster { get; init; }
}

/// <summary>Key <c>hosts/&lt;id&gt;/etcd</c>, written by that host.</summary>
internal sealed record HostEtcdRecord : StoredRecord
{
    /// <summary>The member whose data are gone: it must be removed, and never begun anew with empty hands (decision 19).</summary>
    public string? LostMember { get; init; }
}

/// <summary>Key <c>hosts/&lt;id&gt;/import</c>, written by that host after its join: how far it has brought its records along.</summary>
internal sealed record HostImport : StoredRecord
{
    /// <summary>The last key, as it was in the host's own store, whose record is there; null: none yet.</summary>
    public string? After { get; init; }

    public int Records { get; init; }

    public bool Done { get; init; }
}

/// <summary>Says that a host's daemon lives: the key hangs on a lease that the daemon keeps alive. Without it the host's state is not known.</summary>
internal sealed record HostLive : StoredRecord
{
    /// <summary>Boot id and a nonce of the daemon's data (decision 4).</summary>
    public required string Incarnation { get; init; }

    public required DateTimeOffset Since { get; init; }
}

/// <summary>Since when nobody has heard of a host's daemon. Key <c>hosts/&lt;id&gt;/silence</c>, written by the leader; absent: it lives, or has not been missed for long.</summary>
internal sealed record HostSilence : StoredRecord
{
    public required DateTimeOffset Since { get; init; }
}

/// <summary>The records that never cross the wire.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Claim))]
[JsonSerializable(typeof(SecretRecord))]
[JsonSerializable(typeof(IdempotencyRecord))]
[JsonSerializable(typeof(GenerationRecord))]
[JsonSerializable(typeof(RecoveryRecord))]
[JsonSerializable(typeof(HostReport))]
[JsonSerializable(typeof(HostGuest))]
[JsonSerializable(typeof(LeaderRecord))]
[JsonSerializable(typeof(HostLive))]
[JsonSerializable(typeof(HostSilence))]
[JsonSerializable(typeof(HostImport))]
[JsonSerializable(typeof(VoterRecord))]
[JsonSerializable(typeof(HostEtcdRecord))]
internal sealed partial class ControlJson : JsonSerializerContext;
