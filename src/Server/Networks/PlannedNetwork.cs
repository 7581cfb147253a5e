namespace Lamina.Server.Networks;

/// <summary>A network as this host shall have it: resolved names, addresses and cards.</summary>
internal sealed record PlannedNetwork
{
    public required string Id { get; init; }
    public required string Name { get; init; }

    /// <summary>The bridge's name on the host, and its alias that names the owner (decision 18).</summary>
    public required string Bridge { get; init; }
    public required string BridgeOwner { get; init; }

    /// <summary>The gateway's MAC: the same on every host (decision 21), so that a guest that moved finds it where it was.</summary>
    public required string BridgeMac { get; init; }
    public required Subnet Subnet { get; init; }
    public required int MtuBytes { get; init; }

    /// <summary>Guests find each other as <c>name.domain</c>.</summary>
    public required string Domain { get; init; }

    /// <summary>In the order of their taps.</summary>
    public IReadOnlyList<PlannedNic> Nics { get; init; } = [];
}

/// <summary>A card in a network; its rules and its address are in place whether its VM runs or not, so that a start waits for nothing.</summary>
/// <param name="Tap">The tap's name on the host.</param>
/// <param name="Mac">In lower case with colons.</param>
/// <param name="Address">IPv4.</param>
/// <param name="HostName">The name that DHCP gives and DNS knows; null when another card bears it.</param>
internal sealed record PlannedNic(string Tap, string Mac, string Address, string? HostName);
