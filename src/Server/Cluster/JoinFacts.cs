using System.Text.Json.Serialization;
using Lamina.Api;

namespace Lamina.Server.Cluster;

/// <summary>What a host that wants to join says of itself.</summary>
internal sealed record JoinFacts
{
    public required string TokenId { get; init; }
    public required string Secret { get; init; }
    public required string HostId { get; init; }
    public required string HostName { get; init; }
    public required string Version { get; init; }
    public required HostAddresses Addresses { get; init; }
    public bool Witness { get; init; }

    /// <summary>Its clock when it sent this.</summary>
    public required DateTimeOffset Clock { get; init; }

    /// <summary>Said by whatever answers at its peer address, so that the cluster knows that it reaches this very host.</summary>
    public required string Nonce { get; init; }

    /// <summary>Features of its processor, as the kernel names them.</summary>
    public required IReadOnlyList<string> CpuFlags { get; init; }

    /// <summary>Objects that it has made, which it would lose: <c>vm web1</c>.</summary>
    public required IReadOnlyList<string> Objects { get; init; }
}

/// <summary>What stands against a join: all of it.</summary>
internal sealed record JoinVerdict
{
    public required IReadOnlyList<Failure> Misfits { get; init; }
    public required string Cluster { get; init; }
}

/// <summary>What a host gets when it may join.</summary>
internal sealed record JoinGrant
{
    public required string ClusterId { get; init; }
    public required string ClusterName { get; init; }

    /// <summary>Where the store answers.</summary>
    public required IReadOnlyList<string> Endpoints { get; init; }

    /// <summary>Names the store's line of revisions.</summary>
    public required string StoreId { get; init; }

    /// <summary>The CA with its key: members trust each other (decision 23).</summary>
    public required string CaPem { get; init; }

    /// <summary>What opens the sealed secrets of VMs.</summary>
    public required byte[] BoxKey { get; init; }

    /// <summary>Of the fingerprints of requests with an Idempotency-Key.</summary>
    public required byte[] FingerprintKey { get; init; }
    public ExternalEtcd? External { get; init; }
}

/// <summary>The records between hosts, and the token's.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JoinToken))]
[JsonSerializable(typeof(JoinFacts))]
[JsonSerializable(typeof(JoinVerdict))]
[JsonSerializable(typeof(JoinGrant))]
internal sealed partial class ClusterJson : JsonSerializerContext;
