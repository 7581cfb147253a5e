using System.Text.Json.Serialization;
using Lamina.Api;
using Lamina.Server.Cluster.Import;

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

    /// <summary>What its QEMU offers guests; empty: not known, and <see cref="NoEngine"/> says why.</summary>
    public IReadOnlyList<JoinCpuModel> CpuModels { get; init; } = [];

    /// <summary>The model that its new VMs get; null: not known.</summary>
    public string? DefaultCpuModel { get; init; }

    /// <summary>Why it runs no guests now.</summary>
    public string? NoEngine { get; init; }

    /// <summary>What it brings along.</summary>
    public ImportManifest Import { get; init; } = new();

    /// <summary>How it uses its memory, as it was set there.</summary>
    public HostMemoryPolicy? Memory { get; init; }
}

/// <summary>A CPU model as the joining host knows it.</summary>
/// <param name="Name">Versioned.</param>
/// <param name="Missing">Features that it lacks; empty: guests can have it.</param>
internal sealed record JoinCpuModel(string Name, IReadOnlyList<string> Missing);

/// <summary>What stands against a join: all of it.</summary>
internal sealed record JoinVerdict
{
    public required IReadOnlyList<Failure> Misfits { get; init; }
    public required string Cluster { get; init; }

    /// <summary>What will be different for the host, for people.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
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

    /// <summary>What becomes of the host's records.</summary>
    public ImportMapping Import { get; init; } = new();
}

/// <summary>A host takes back that it has asked to join.</summary>
/// <param name="TokenId">By which token.</param>
/// <param name="Secret">Of the token.</param>
/// <param name="HostId">Who.</param>
internal sealed record JoinWithdrawal(string TokenId, string Secret, string HostId);

/// <summary>The records between hosts, and the token's.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JoinToken))]
[JsonSerializable(typeof(JoinFacts))]
[JsonSerializable(typeof(JoinVerdict))]
[JsonSerializable(typeof(JoinGrant))]
[JsonSerializable(typeof(JoinWithdrawal))]
[JsonSerializable(typeof(ImportManifest))]
[JsonSerializable(typeof(StandingAnswer))]
[JsonSerializable(typeof(AddressQuestion))]
[JsonSerializable(typeof(AddressNews))]
[JsonSerializable(typeof(AddressAnswer))]
internal sealed partial class ClusterJson : JsonSerializerContext;
