using System.Globalization;
using System.Net.NetworkInformation;
using Lamina.Linux.Network;

namespace Lamina.Server.Networks;

/// <summary>The way of a network to the other hosts of the cluster, as this host shall have it: a VXLAN in the network's bridge, which learns nothing by itself.</summary>
internal sealed record PlannedOverlay
{
    /// <summary>The VXLAN's name, and its alias that names the owner (decision 18).</summary>
    public required string Link { get; init; }
    public required string Owner { get; init; }
    public required VxlanSettings Vxlan { get; init; }

    /// <summary>For each card on another host that host; for the MAC of zeros, that is all else, every other host.</summary>
    public required IReadOnlySet<OverlayEntry> Entries { get; init; }

    /// <summary>The cards on other hosts, as they may be heard from there; their tap is the VXLAN.</summary>
    public required IReadOnlyList<PlannedNic> Nics { get; init; }

    /// <summary>Their MACs, for the bridge.</summary>
    public IReadOnlySet<PhysicalAddress> Behind => Nics.Select(nic => OverlayPlan.MacOf(nic.Mac)).ToHashSet();

    /// <summary>This host's end, for people.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Vxlan.Local}:{Vxlan.Port}");
}

/// <summary>What is to be done about the entries of a VXLAN and of its bridge, in this order.</summary>
internal sealed record OverlayChange
{
    public IReadOnlyList<OverlayEntry> Set { get; init; } = [];
    public IReadOnlyList<PhysicalAddress> SetBehind { get; init; } = [];
    public IReadOnlyList<OverlayEntry> Remove { get; init; } = [];
    public IReadOnlyList<PhysicalAddress> RemoveBehind { get; init; } = [];
}
