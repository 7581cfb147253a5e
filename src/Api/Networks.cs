using System.Text.Json.Serialization;

namespace Lamina.Api;

public sealed record Network
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public required string Project { get; init; }
    public required NetworkSpec Spec { get; init; }

    /// <summary>Of all hosts together: it is up where each says so, and has the failure of the first that has one.</summary>
    public NetworkStatus? Status { get; init; }

    /// <summary>The hosts of the cluster on which it stands.</summary>
    public IReadOnlyList<NetworkOnHost> Hosts { get; set; } = [];
}

/// <summary>How a network stands on one host.</summary>
public sealed record NetworkOnHost
{
    /// <summary>Name of the host.</summary>
    public required string Host { get; init; }

    /// <summary>As that host says.</summary>
    public required NetworkStatus Status { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<NetworkKind>))]
public enum NetworkKind
{
    /// <summary>Guests reach the world by the host's address; from outside they are reached by port forwarding only.</summary>
    Nat,

    /// <summary>Guests reach each other and the host's DHCP and DNS, nothing else.</summary>
    Isolated,

    /// <summary>Guests stand in the LAN of a physical card: that LAN gives addresses.</summary>
    Bridge,
}

/// <summary>Key <c>networks/&lt;id&gt;/spec</c>. Guests get their address from the store; dnsmasq only renders it.</summary>
public sealed record NetworkSpec : ProjectRecord
{
    public required string Name { get; init; }
    public DateTimeOffset CreatedAt { get; init; }
    public NetworkKind Kind { get; init; }

    /// <summary>IPv4 in CIDR form; the gateway is its first address. Null: a bridge, whose LAN has its own.</summary>
    public string? Subnet { get; init; }

    /// <summary>IPv6 in CIDR form, a /64; null: none. A guest's address in it bears the number that its IPv4 address has in <see cref="Subnet"/>.</summary>
    public string? Ipv6Subnet { get; init; }
    public int Mtu { get; set; } = 1450;
    public string? DnsDomain { get; init; }

    /// <summary>False: guests configure the address that they were given by hand, or by cloud-init.</summary>
    public bool Dhcp { get; set; } = true;

    /// <summary>From where new cards get addresses, as <c>10.10.0.100-10.10.0.199</c>; null: anywhere in the subnet. Others are for people to give.</summary>
    public string? DhcpRange { get; init; }

    /// <summary>Names the network between hosts (VXLAN, 24 bits); null: made before there were several, or a bridge.</summary>
    public int? Vni { get; init; }

    /// <summary>Only of a bridge.</summary>
    public NetworkBridge? Bridge { get; init; }

    /// <summary>At most 100.</summary>
    public IReadOnlyList<NetworkForward> Forwards { get; set; } = [];

    /// <summary>The operation that deletes it.</summary>
    public string? Deleting { get; init; }
}

/// <summary>How a network of kind bridge meets its LAN.</summary>
public sealed record NetworkBridge : RecordPart
{
    /// <summary>The host's link: a physical card, or a Linux bridge that somebody else made.</summary>
    public required string Device { get; init; }

    /// <summary>The device is a bridge of the host's own: nothing of it is changed.</summary>
    public bool Existing { get; init; }

    /// <summary>
    /// The tag (IEEE 802.1Q) under which its frames are on the device, 1 to 4094; guests send and get them without. Null: frames without a tag. The host's
    /// own addresses are not moved for a VLAN.
    /// </summary>
    public int? Vlan { get; init; }

    /// <summary>How long the host waits for a word that it can still be reached, before it takes everything back.</summary>
    public int ConfirmSeconds { get; set; } = 60;

    /// <summary>Counts the tries; another one begins when the bridge is set anew.</summary>
    public int Attempt { get; set; } = 1;

    /// <summary>The try that was confirmed; 0: none yet.</summary>
    public int Confirmed { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<ForwardProtocol>))]
public enum ForwardProtocol
{
    Tcp,
    Udp,
}

/// <summary>Ports of the host that lead to a VM. It follows the VM's address, and goes with the VM.</summary>
public sealed record NetworkForward : RecordPart
{
    public required string Id { get; init; }
    public ForwardProtocol Protocol { get; init; }

    /// <summary>The host's address; null: every one that it has.</summary>
    public string? Address { get; init; }

    /// <summary>The first port on the host.</summary>
    public required int Port { get; init; }

    /// <summary>How many ports in a row.</summary>
    public int Count { get; set; } = 1;

    /// <summary>Id of the VM.</summary>
    public required string Vm { get; init; }

    /// <summary>The first port in the VM.</summary>
    public required int VmPort { get; init; }

    /// <summary>Who may come in, IPv4 in CIDR form; null: everybody.</summary>
    public string? Source { get; init; }
}

/// <summary>Key <c>networks/&lt;id&gt;/hosts/&lt;host&gt;</c>, written by that host.</summary>
public sealed record NetworkStatus : StoredRecord
{
    public required bool Up { get; init; }
    public string? Bridge { get; init; }

    /// <summary>Address and UDP port from which the host sends to the others of the cluster; null: the network ends at the host.</summary>
    public string? Overlay { get; init; }

    /// <summary>Of a bridge to a physical card.</summary>
    public NetworkUplink? Uplink { get; init; }
    public Failure? Failure { get; init; }
}

[JsonConverter(typeof(CamelCaseEnum<UplinkState>))]
public enum UplinkState
{
    /// <summary>The host's addresses have moved to the bridge; everything is taken back unless it is confirmed before the deadline.</summary>
    AwaitingConfirmation,
    Confirmed,

    /// <summary>The card is as it was before.</summary>
    RolledBack,
}

/// <summary>A physical card in a bridge, and whether the host is known to be within reach that way.</summary>
public sealed record NetworkUplink : RecordPart
{
    public required string Device { get; init; }
    public required UplinkState State { get; init; }

    /// <summary>The try that this tells of, see <see cref="NetworkBridge.Attempt"/>.</summary>
    public int Attempt { get; init; }

    /// <summary>When it is taken back; null: no longer.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Members of the cluster, and its store, that the host has not reached since the move: it is not confirmed before, whoever says so.</summary>
    public IReadOnlyList<string> Unreached { get; set; } = [];

    /// <summary>The host's addresses that the bridge bears for the card, in CIDR form.</summary>
    public IReadOnlyList<string> Addresses { get; set; } = [];
}
