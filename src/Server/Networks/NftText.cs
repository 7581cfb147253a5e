using System.Globalization;

namespace Lamina.Server.Networks;

/// <summary>The words of nft(8) for our two tables.</summary>
internal static class NftText
{
    /// <summary>Removes both tables, whether they are there or not.</summary>
    public static string RemoveTables(string table) => $"""
        table inet {table}
        delete table inet {table}
        table bridge {table}
        delete table bridge {table}

        """;

    public static string Tables(string table, IReadOnlyList<PlannedNetwork> networks) => Inet(table, networks) + Bridge(table);

    /// <summary>
    /// A guest reaches of the host only DHCP, DNS and an echo of its gateway; from outside a network only answers come in; what leaves it bears the
    /// host's address. An "accept" here ends only our own table: an administrator's may still refuse.
    /// </summary>
    private static string Inet(string table, IReadOnlyList<PlannedNetwork> networks) => $$"""
        table inet {{table}} {
          set bridges {
            type ifname
        {{Elements(networks)}}  }
          chain input {
            type filter hook input priority -10; policy accept;
            iifname @bridges goto guest_to_host
          }
          chain guest_to_host {
            ct state established,related accept
            udp sport 68 udp dport 67 accept
        {{Lines(networks, GatewayServices)}}    drop
          }
          chain forward {
            type filter hook forward priority -10; policy accept;
            oifname @bridges goto to_guest
          }
          chain to_guest {
            ct state established,related accept
        {{Lines(networks, network => [$"iifname \"{network.Bridge}\" oifname \"{network.Bridge}\" accept"])}}    drop
          }
          chain postrouting {
            type nat hook postrouting priority 100; policy accept;
        {{Lines(networks, Masquerade)}}  }
        }

        """;

    /// <summary>
    /// Bridge rules see each frame before the bridge learns from it. A card may send ARP and IPv4 from its own MAC and address, ask for an address by
    /// DHCP, and nothing else: no IPv6 (the network has none, and router advertisements would be believed), no tags, no DHCP answers.
    /// </summary>
    private static string Bridge(string table) => $$"""
        table bridge {{table}} {
          set taps {
            type ifname
          }
          set nics {
            type ifname . ether_addr
          }
          set addresses {
            type ifname . ipv4_addr
          }
          chain prerouting {
            type filter hook prerouting priority -300; policy accept;
            iifname @taps goto guest
          }
          chain guest {
            iifname . ether saddr != @nics drop
            ether type arp goto guest_arp
            ether type ip goto guest_ip
            drop
          }
          chain guest_arp {
            iifname . arp saddr ether != @nics drop
            arp saddr ip 0.0.0.0 accept
            iifname . arp saddr ip != @addresses drop
          }
          chain guest_ip {
            ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept
            iifname . ip saddr != @addresses drop
            udp sport 67 drop
          }
        }

        """;

    private static string Elements(IReadOnlyList<PlannedNetwork> networks) =>
        networks.Count == 0 ? "" : $"    elements = {{ {string.Join(", ", networks.Select(network => $"\"{network.Bridge}\""))} }}\n";

    private static IEnumerable<string> GatewayServices(PlannedNetwork network)
    {
        var from = string.Create(CultureInfo.InvariantCulture, $"iifname \"{network.Bridge}\" ip daddr {network.Subnet.Gateway}");
        return [$"{from} udp dport 53 accept", $"{from} tcp dport 53 accept", $"{from} icmp type echo-request accept"];
    }

    private static IEnumerable<string> Masquerade(PlannedNetwork network) =>
        [$"ip saddr {network.Subnet} ip daddr != {network.Subnet} oifname != \"{network.Bridge}\" masquerade"];

    private static string Lines(IReadOnlyList<PlannedNetwork> networks, Func<PlannedNetwork, IEnumerable<string>> rules) =>
        string.Concat(networks.SelectMany(rules).Select(rule => $"    {rule}\n"));
}
