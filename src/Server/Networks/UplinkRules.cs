using Lamina.Api.Input;
using Lamina.Linux.Network;

namespace Lamina.Server.Networks;

/// <summary>A link of the host that somebody wants as a way into a LAN, and all that the rules look at.</summary>
internal sealed record UplinkFacts
{
    public required string Device { get; init; }

    /// <summary>Null: there is none.</summary>
    public Link? Link { get; init; }

    /// <summary>The bridge or bond that it belongs to.</summary>
    public string? Master { get; init; }
    public bool IsWireless { get; init; }
    public LinkAddressing Addressing { get; init; } = new();

    /// <summary>Physical cards and foreign bridges there are.</summary>
    public IReadOnlyList<string> Candidates { get; init; } = [];

    public bool IsBridge => Link?.Kind == "bridge";

    /// <summary>Reads them; wireless cards are told by sysfs, which shows the namespace that it was mounted in.</summary>
    public static UplinkFacts Read(Netlink netlink, string device)
    {
        var links = netlink.ListLinks();
        var link = links.FirstOrDefault(found => found.Name == device);
        return new()
        {
            Device = device,
            Link = link,
            Master = links.FirstOrDefault(master => master.Index == link?.MasterIndex)?.Name,
            IsWireless = link is not null && IsWirelessCard(device),
            Addressing = link is null ? new() : netlink.ReadAddressing(link.Index),
            Candidates = [.. links.Where(found => found.Name != "lo" && found.Kind is null or "bridge" or "bond" or "vlan" && LinkOwner.Parse(found.Alias ?? "") is null).Select(found => found.Name)],
        };
    }

    private static bool IsWirelessCard(string device) =>
        Directory.Exists($"/sys/class/net/{device}/wireless") || Directory.Exists($"/sys/class/net/{device}/phy80211");
}

/// <summary>Which links may be a way into a LAN (pure).</summary>
internal static class UplinkRules
{
    /// <summary>Null: it may. A network's own card, which is in its bridge already, is asked about before that only.</summary>
    public static ProblemException? Refuse(UplinkFacts facts)
    {
        var name = Suggestions.Shorten(facts.Device);
        if (facts.Link is not { } link)
            return Refusal("network.deviceMissing", $"This host has no link '{name}'.", facts.Candidates.Count == 0 ? "See what there is: ip link" : $"There are: {string.Join(", ", facts.Candidates)}.");
        if (LinkOwner.Parse(link.Alias ?? "") is not null) return Refusal("network.deviceOurs", $"{name} belongs to Lamina itself ({link.Alias}).", "Name a physical card, or a bridge that you made.");
        if (facts.IsBridge) return null;
        if (facts.IsWireless)
            return Refusal("network.deviceWireless", $"{name} is wireless: an access point takes only frames of the card's own MAC address, so no guest would be heard.", "Use a wired card, or a NAT network with port forwarding.");
        if (facts.Master is { } master)
            return Refusal("network.deviceTaken", $"{name} belongs to {master} already.", $"If {master} is a bridge, name that: --bridge {master}. A bond is named as a whole.");
        if (link.Name == "lo" || link.Kind is "tun" or "wireguard" or "ipip" or "sit" or "gre")
            return Refusal("network.deviceKind", $"{name} carries no Ethernet frames to a LAN.", $"There are: {string.Join(", ", facts.Candidates)}.");
        if (facts.Addressing.Addresses.FirstOrDefault(address => address is { IsDynamic: true, IsIPv6: false }) is { } leased)
        {
            return Refusal(
                "network.deviceLeased", $"{name} has its address {leased.Text} from a DHCP client of the host, which would go on to ask by {name} and lose it.",
                $"Give the host a fixed address, or let its network manager make a bridge over {name} and name that one (see the guide, 'Bridges').");
        }

        return facts.Addressing.Routes.FirstOrDefault(route => route.IsShared) is { } shared
            ? Refusal("network.deviceRoutes", $"The route {shared.Text} leads by {name} and other links together, and cannot be moved to a bridge.", "Make the bridge by hand, and name that one.")
            : null;
    }

    private static ProblemException Refusal(string code, string message, string remedy) => new(ProblemKind.Conflict, code, message, remedy);
}
