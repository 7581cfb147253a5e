using Lamina.Api;

namespace Lamina.Server.Networks;

/// <summary>A network as this host shall have it: resolved names, addresses and cards.</summary>
internal sealed record PlannedNetwork
{
    public required string Id { get; init; }
    public required string Name { get; init; }
    public NetworkKind Kind { get; init; }

    /// <summary>The bridge's name on the host, and its alias that names the owner (decision 18).</summary>
    public required string Bridge { get; init; }
    public required string BridgeOwner { get; init; }

    /// <summary>The gateway's MAC: the same on every host (decision 21), so that a guest that moved finds it where it was.</summary>
    public required string BridgeMac { get; init; }

    /// <summary>Null: a bridge into a LAN, which gives addresses itself.</summary>
    public Subnet? Subnet { get; init; }

    /// <summary>Null: the network has no IPv6.</summary>
    public Ipv6Subnet? Ipv6Subnet { get; init; }

    /// <summary>The host itself reaches the IPv6 world: a fact of the host, not of the records.</summary>
    public bool HasIpv6WayOut { get; init; }
    public required int MtuBytes { get; init; }

    /// <summary>Guests find each other as <c>name.domain</c>.</summary>
    public required string Domain { get; init; }
    public bool Dhcp { get; init; } = true;

    /// <summary>Of a bridge into a LAN; null otherwise.</summary>
    public NetworkBridge? Uplink { get; init; }

    /// <summary>Its way to the other hosts of the cluster; null: it ends at this host.</summary>
    public PlannedOverlay? Overlay { get; init; }

    /// <summary>Those whose VM has an address here.</summary>
    public IReadOnlyList<PlannedForward> Forwards { get; init; } = [];

    /// <summary>In the order of their taps.</summary>
    public IReadOnlyList<PlannedNic> Nics { get; init; } = [];
}

/// <summary>A card in a network; its rules and its address are in place whether its VM runs or not, so that a start waits for nothing.</summary>
internal sealed record PlannedNic
{
    /// <summary>Id of the VM.</summary>
    public required string Vm { get; init; }

    /// <summary>The card's slot in the VM.</summary>
    public required int Slot { get; init; }

    /// <summary>The tap's name on the host.</summary>
    public required string Tap { get; init; }

    /// <summary>In lower case with colons.</summary>
    public required string Mac { get; init; }

    /// <summary>The IPv4 address that it may send from; null (in a LAN): any.</summary>
    public string? Address { get; init; }

    /// <summary>The IPv6 address that it may send from, beside its link-local ones; null: the network has no IPv6, or (in a LAN) any.</summary>
    public string? Ipv6Address { get; init; }

    /// <summary>The name that DHCP gives and DNS knows; null when another card bears it.</summary>
    public string? HostName { get; init; }
}

/// <summary>Ports of the host that lead to a card.</summary>
/// <param name="Protocol">Of the ports.</param>
/// <param name="HostAddress">IPv4; null: every address of the host.</param>
/// <param name="HostPort">The first.</param>
/// <param name="Count">How many in a row.</param>
/// <param name="Address">The card's IPv4.</param>
/// <param name="Port">The first.</param>
/// <param name="Source">IPv4 in CIDR form; null: from everywhere.</param>
internal sealed record PlannedForward(
    ForwardProtocol Protocol, string? HostAddress, int HostPort, int Count, string Address, int Port, string? Source);
