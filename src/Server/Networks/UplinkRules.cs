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

    /// <summary>That is a bridge of ours: a network without a tag stands on the device.</summary>
    public bool IsMasterOurs { get; init; }

    /// <summary>The VLANs that somebody else made on the device: tag and name.</summary>
    public IReadOnlyDictionary<int, string> Vlans { get; init; } = new Dictionary<int, string>();
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
        var master = links.FirstOrDefault(master => master.Index == link?.MasterIndex);
        return new()
        {
            Device = device,
            Link = link,
            Master = master?.Name,
            IsMasterOurs = IsOurs(master),
            Vlans = links.Where(vlan => link is not null && vlan.ParentIndex == link.Index && vlan.Vlan is not null && !IsOurs(vlan)).DistinctBy(vlan => vlan.Vlan).ToDictionary(vlan => vlan.Vlan!.Value, vlan => vlan.Name),
            IsWireless = link is not null && IsWirelessCard(device),
            Addressing = link is null ? new() : netlink.ReadAddressing(link.Index),
            Candidates = [.. links.Where(found => found.Name != "lo" && found.Kind is null or "bridge" or "bond" or "vlan" && !IsOurs(found)).Select(found => found.Name)],
        };
    }

    private static bool IsOurs(Link? link) => LinkOwner.Parse(link?.Alias ?? "") is not null;

    private static bool IsWirelessCard(string device) =>
        Directory.Exists($"/sys/class/net/{device}/wireless") || Directory.Exists($"/sys/class/net/{device}/phy80211");
}

/// <summary>Which links may be a way into a LAN (pure).</summary>
internal static class UplinkRules
{
    /// <summary>Null: it may. A network's own card, which is in its bridge already, is asked about before that only.</summary>
    public static ProblemException? Refuse(UplinkFacts facts)
    {
        if (RefuseLink(facts) is { } refusal) return refusal;
        if (facts.IsBridge) return null;
        var name = Suggestions.Shorten(facts.Device);
        if (facts.Master is { } master) return Taken(name, master);
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

    /// <summary>Null: frames of that tag may be taken from it. Nothing of the device is moved, so it may keep its addresses, and stand in a bridge of ours.</summary>
    public static ProblemException? RefuseVlan(UplinkFacts facts, int vlan)
    {
        if (RefuseLink(facts) is { } refusal) return refusal;
        var name = Suggestions.Shorten(facts.Device);
        if (facts.Link!.Kind == "vlan") return Refusal("network.deviceKind", $"{name} is a VLAN itself: its frames bear a tag already.", "Name the card on which it stands, or leave out the VLAN to stand in this one.");
        if (facts.Master is { } master && !facts.IsMasterOurs) return Taken(name, master);
        return facts.Vlans.TryGetValue(vlan, out var theirs)
            ? Refusal("network.vlanTaken", $"This host has VLAN {vlan} of {name} already, as {theirs}.", $"Name that, without a VLAN: --bridge {theirs}; or remove it from the host's configuration.")
            : null;
    }

    /// <summary>What no network can stand on, with a tag or without.</summary>
    private static ProblemException? RefuseLink(UplinkFacts facts)
    {
        var name = Suggestions.Shorten(facts.Device);
        if (facts.Link is not { } link)
            return Refusal("network.deviceMissing", $"This host has no link '{name}'.", facts.Candidates.Count == 0 ? "See what there is: ip link" : $"There are: {string.Join(", ", facts.Candidates)}.");
        if (LinkOwner.Parse(link.Alias ?? "") is not null) return Refusal("network.deviceOurs", $"{name} belongs to Lamina itself ({link.Alias}).", "Name a physical card, or a bridge that you made.");
        if (facts.IsWireless)
            return Refusal("network.deviceWireless", $"{name} is wireless: an access point takes only frames of the card's own MAC address, so no guest would be heard.", "Use a wired card, or a NAT network with port forwarding.");
        return link.Name == "lo" || link.Kind is "tun" or "wireguard" or "ipip" or "sit" or "gre"
            ? Refusal("network.deviceKind", $"{name} carries no Ethernet frames to a LAN.", $"There are: {string.Join(", ", facts.Candidates)}.")
            : null;
    }

    private static ProblemException Taken(string name, string master) =>
        Refusal("network.deviceTaken", $"{name} belongs to {master} already.", $"If {master} is a bridge, name that: --bridge {master}. A bond is named as a whole.");

    private static ProblemException Refusal(string code, string message, string remedy) => new(ProblemKind.Conflict, code, message, remedy);
}
