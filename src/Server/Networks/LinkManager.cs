namespace Lamina.Server.Networks;

/// <summary>Which program of the host sets up a link, and so may change what Lamina made of it.</summary>
internal static class LinkManager
{
    private const string NetworkManager = "NetworkManager";

    /// <summary>Reads where each notes what it manages: NetworkManager(8), systemd-networkd(8) in /run, ifupdown in interfaces(5).</summary>
    /// <param name="device">The link's name.</param>
    /// <param name="index">Its index.</param>
    /// <returns>Its name; null: none known.</returns>
    public static string? Of(string device, int index) => Of(
        device, ReadIfThere($"/run/NetworkManager/devices/{index}"), ReadIfThere($"/run/systemd/netif/links/{index}"), ReadIfThere("/etc/network/interfaces"));

    /// <summary>The same, of these files' texts; null: not there (pure).</summary>
    public static string? Of(string device, string? networkManager, string? networkd, string? interfaces)
    {
        if (networkManager?.Contains("managed=true", StringComparison.Ordinal) == true) return NetworkManager;
        if (networkd is not null && !networkd.Contains("ADMIN_STATE=unmanaged", StringComparison.Ordinal)) return "systemd-networkd";
        return interfaces?.Split('\n').Any(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is ["iface", var name, ..] && name == device) == true ? "ifupdown" : null;
    }

    /// <summary>How it is told to leave the card alone, in words.</summary>
    public static string Remedy(string manager, string device) => manager switch
    {
        NetworkManager => $"nmcli device set {device} managed no; to stay so, a file in /etc/NetworkManager/conf.d with [keyfile] and unmanaged-devices=interface-name:{device}",
        "systemd-networkd" => $"Give {device} a .network file with [Link] Unmanaged=yes, and its addresses to Lamina's bridge by 'lamina network create … --bridge' anew after a reboot, or make the bridge there and name that.",
        _ => $"Leave {device} as it is in /etc/network/interfaces with a static address: Lamina moves it at each start. Do not run ifdown {device}.",
    };

    private static string? ReadIfThere(string path) => File.Exists(path) ? File.ReadAllText(path) : null;
}

/// <summary>What doctor looks at of this host's networking.</summary>
internal sealed record HostNetworkFacts
{
    /// <summary>The host passes IPv4 packets on; null: not known.</summary>
    public bool? Forwards { get; init; }

    /// <summary>Those that drop what guests send and get, as far as they were looked at.</summary>
    public IReadOnlyList<ForeignFirewall> Firewalls { get; init; } = [];

    /// <summary>Bridged frames pass iptables too (br_netfilter): a firewall then drops them even within one network.</summary>
    public bool FiltersBridges { get; init; }

    /// <summary>Cards in bridges of ours, and who else sets them up.</summary>
    public IReadOnlyList<(string Network, string Device, string Manager)> Managed { get; init; } = [];

    /// <summary>VLANs of a bridge of the host that lets each port have named tags only (vlan_filtering).</summary>
    public IReadOnlyList<(string Network, string Device, int Vlan)> OnFilteringBridges { get; init; } = [];

    /// <summary>Bridges of daemons of which nothing else is left.</summary>
    public IReadOnlyList<string> Leftovers { get; init; } = [];
}
