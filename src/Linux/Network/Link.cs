using System.Net;
using System.Net.NetworkInformation;

namespace Lamina.Linux.Network;

/// <summary>A network link as the kernel tells of it.</summary>
public sealed record Link
{
    public required int Index { get; init; }

    public required string Name { get; init; }

    /// <summary>"bridge", "tun" (taps too), "veth", "vxlan"…; null for physical ones.</summary>
    public string? Kind { get; init; }

    /// <summary>Free text that stays with the link; ours names the owner (D18).</summary>
    public string? Alias { get; init; }

    /// <summary>The index of the bridge it is plugged into.</summary>
    public int? MasterIndex { get; init; }

    /// <summary>The index of the link that it stands on, of a VLAN; null: on none of this namespace.</summary>
    public int? ParentIndex { get; init; }

    /// <summary>Its tag (IEEE 802.1Q), of a VLAN.</summary>
    public int? Vlan { get; init; }

    public bool IsUp { get; init; }

    /// <summary>Something is plugged in at the other end: for a tap, somebody holds its descriptor.</summary>
    public bool HasCarrier { get; init; }

    public int MtuBytes { get; init; }

    public PhysicalAddress? Mac { get; init; }

    /// <summary>Of a link of kind "vxlan".</summary>
    public VxlanSettings? Vxlan { get; init; }

    public LinkStatistics Statistics { get; init; } = new(0, 0, 0, 0, 0, 0);
}

/// <summary>Counters since the link was made, seen from the host: what a guest sends is received here.</summary>
public sealed record LinkStatistics(
    ulong ReceivedBytes, ulong SentBytes, ulong ReceivedPackets, ulong SentPackets, ulong ReceiveDrops, ulong SendDrops);

/// <summary>What to change of a link; null leaves a member as it is.</summary>
public sealed record LinkChange
{
    public bool? Up { get; init; }

    public int? MtuBytes { get; init; }

    public PhysicalAddress? Mac { get; init; }

    /// <summary>At most 255 bytes.</summary>
    public string? Alias { get; init; }

    /// <summary>The bridge's name; the empty string takes the link out of its bridge.</summary>
    public string? Master { get; init; }
}

/// <summary>An address of a link.</summary>
public sealed record LinkAddress(int LinkIndex, IPAddress Address, int PrefixLength);

/// <summary>A route of the main table. A null destination is the default route.</summary>
public sealed record NetworkRoute
{
    public IPNetwork? Destination { get; init; }

    public IPAddress? Gateway { get; init; }

    public int? LinkIndex { get; init; }
}
