using System.Globalization;
using Lamina.Api;

namespace Lamina.Server.Networks;

/// <summary>The words of nft(8) for our table of family inet: what guests reach of the host, of each other and of the world.</summary>
internal static class NftText
{
    /// <summary>Removes both tables, whether they are there or not.</summary>
    public static string RemoveTables(string table) => $"""
        table inet {table}
        delete table inet {table}
        table bridge {table}
        delete table bridge {table}

        """;

    public static string Tables(string table, IReadOnlyList<PlannedNetwork> networks) => Inet(table, networks) + NftBridgeText.Table(table, networks);

    /// <summary>
    /// A guest reaches of the host only DHCP, DNS and an echo of its gateway; from outside a network only answers and forwarded ports come in; what leaves it
    /// bears the host's address. An "accept" here ends only our own table: an administrator's may still refuse. A bridge into a LAN has no part
    /// in this: there the host is a neighbour as any other.
    /// </summary>
    private static string Inet(string table, IReadOnlyList<PlannedNetwork> networks)
    {
        PlannedNetwork[] own = [.. networks.Where(network => network.Kind != NetworkKind.Bridge)];
        return $$"""
            table inet {{table}} {
              set bridges {
                type ifname
            {{Elements(own)}}  }
              chain input {
                type filter hook input priority -10; policy accept;
                iifname @bridges goto guest_to_host
              }
              chain guest_to_host {
                ct state established,related accept
                udp sport 68 udp dport 67 accept
            {{Lines(own, GatewayServices)}}    drop
              }
              chain forward {
                type filter hook forward priority -10; policy accept;
            {{Lines(own, Isolation)}}    oifname @bridges goto to_guest
              }
              chain to_guest {
                ct state established,related accept
            {{Lines(own, network => [$"iifname \"{network.Bridge}\" oifname \"{network.Bridge}\" accept"])}}    ct status dnat accept
                drop
              }
            {{Forwards(own)}}  chain postrouting {
                type nat hook postrouting priority 100; policy accept;
            {{Lines(own, Masquerade)}}  }
            }

            """;
    }

    /// <summary>In two places: for what comes in by a link, also from guests, and for what the host itself sends.</summary>
    private static string Forwards(IReadOnlyList<PlannedNetwork> networks) => networks.All(network => network.Forwards.Count == 0) ? "" : $$"""
          chain forwards {
        {{Lines(networks, network => network.Forwards.Select(Forward))}}  }
          chain prerouting {
            type nat hook prerouting priority -100; policy accept;
            jump forwards
          }
          chain output {
            type nat hook output priority -100; policy accept;
            jump forwards
          }

        """;

    private static string Forward(PlannedForward forward)
    {
        var source = forward.Source is null ? "" : $"ip saddr {forward.Source} ";
        var host = forward.HostAddress is { } address ? $"ip daddr {address}" : "fib daddr type local ip daddr != 127.0.0.0/8";
        var protocol = forward.Protocol.ToString().ToLowerInvariant();
        return $"{source}{host} {protocol} dport {Ports(forward.HostPort, forward.Count)} dnat ip to {forward.Address}{TargetPorts(forward, protocol)}";
    }

    private static string Ports(int first, int count) =>
        count == 1 ? first.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{first}-{first + count - 1}");

    /// <summary>A range of ports that is given as such may be mixed up by the kernel; each is named.</summary>
    private static string TargetPorts(PlannedForward forward, string protocol)
    {
        if (forward.HostPort == forward.Port) return "";
        if (forward.Count == 1) return string.Create(CultureInfo.InvariantCulture, $":{forward.Port}");
        var pairs = Enumerable.Range(0, forward.Count)
            .Select(number => string.Create(CultureInfo.InvariantCulture, $"{forward.HostPort + number} : {forward.Port + number}"));
        return $" : {protocol} dport map {{ {string.Join(", ", pairs)} }}";
    }

    private static string Elements(IReadOnlyList<PlannedNetwork> networks) =>
        networks.Count == 0 ? "" : $"    elements = {{ {string.Join(", ", networks.Select(network => $"\"{network.Bridge}\""))} }}\n";

    private static IEnumerable<string> GatewayServices(PlannedNetwork network)
    {
        var from = $"iifname \"{network.Bridge}\" ip daddr {network.Subnet!.Value.Gateway}";
        string[] services = [$"{from} udp dport 53 accept", $"{from} tcp dport 53 accept", $"{from} icmp type echo-request accept"];
        if (network.Ipv6Subnet is not { } ipv6) return services;
        from = $"iifname \"{network.Bridge}\" ip6 daddr {ipv6.Gateway}";
        return
        [
            .. services,
            $"{from} udp dport 53 accept", $"{from} tcp dport 53 accept", $"{from} icmpv6 type echo-request accept",
            $"iifname \"{network.Bridge}\" udp sport 546 udp dport 547 accept",
            $"iifname \"{network.Bridge}\" icmpv6 type {{ nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert }} accept",
        ];
    }

    private static IEnumerable<string> Isolation(PlannedNetwork network) =>
        network.Kind == NetworkKind.Isolated ? [$"iifname \"{network.Bridge}\" oifname != \"{network.Bridge}\" drop"] : [];

    /// <summary>Besides what leaves, also what a guest sends to a neighbour by the host's address: the answer must come back the same way.</summary>
    private static IEnumerable<string> Masquerade(PlannedNetwork network)
    {
        if (network.Kind != NetworkKind.Nat) yield break;
        yield return $"ip saddr {network.Subnet} ip daddr != {network.Subnet} oifname != \"{network.Bridge}\" masquerade";
        if (network.Ipv6Subnet is { } ipv6) yield return $"ip6 saddr {ipv6} ip6 daddr != {ipv6} oifname != \"{network.Bridge}\" masquerade";
        if (network.Forwards.Count > 0) yield return $"ip saddr {network.Subnet} ip daddr {network.Subnet} ct status dnat masquerade";
    }

    private static string Lines(IReadOnlyList<PlannedNetwork> networks, Func<PlannedNetwork, IEnumerable<string>> rules) =>
        string.Concat(networks.SelectMany(rules).Select(rule => $"    {rule}\n"));
}
