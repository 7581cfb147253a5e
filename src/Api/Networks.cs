using System.Text.Json.Serialization;

namespace Lamina.Api;

public sealed record Network
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Project { get; init; }
    public required NetworkSpec Spec { get; init; }
    public NetworkStatus? Status { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<NetworkKind>))]
public enum NetworkKind
{
    Nat,
}

/// <summary>Key <c>networks/&lt;id&gt;/spec</c>. Guests get their address from the store; dnsmasq only renders it.</summary>
public sealed record NetworkSpec : ProjectRecord
{
    public required string Name { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public NetworkKind Kind { get; init; }

    /// <summary>IPv4 in CIDR form; the gateway is its first address.</summary>
    public required string Subnet { get; init; }
    public int Mtu { get; set; } = 1450;
    public string? DnsDomain { get; init; }
}

public sealed record NetworkStatus : StoredRecord
{
    public required bool Up { get; init; }
    public string? Bridge { get; init; }
    public Failure? Failure { get; init; }
}
