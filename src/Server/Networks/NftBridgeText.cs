using Lamina.Api;

namespace Lamina.Server.Networks;

/// <summary>The words of nft(8) for our table of family bridge: against forged addresses, and servers in guests that only the network may have.</summary>
internal static class NftBridgeText
{
    /// <summary>
    /// Bridge rules see each frame before the bridge learns from it. A card may send ARP, IPv4 and, where its network has it, IPv6 from its own MAC and
    /// addresses, ask for an address by DHCP, be announced by QEMU (a RARP request, of which switches learn where a guest is that has come from another host), and nothing else: no tags, no DHCP answers, no router advertisements (RFC 6105), no neighbour
    /// advertisement of an address that is another's. nft 1.0.6 has no word for the target of an advertisement: it is the 128 bits after
    /// the first 64 of its ICMPv6 header (RFC 4861, section 4.4). In a LAN the card may have any address, unless one was given.
    /// </summary>
    public static string Table(string table, IReadOnlyList<PlannedNetwork> networks) => $$"""
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
          set any_ipv4 {
            type ifname
          }
          set ipv6 {
            type ifname
          }
          set any_ipv6 {
            type ifname
          }
          set ipv6_addresses {
            type ifname . ipv6_addr
          }
          set ipv6_targets {
            typeof iifname . @th,64,128
          }
          set routers {
            type ipv6_addr
        {{Routers(networks, RouterAddress)}}  }
          set router_targets {
            typeof @th,64,128
        {{Routers(networks, network => Ipv6Subnet.Hexadecimal(RouterAddress(network)))}}  }
        {{Overlays(networks)}}  chain prerouting {
            type filter hook prerouting priority -300; policy accept;
        {{(networks.Any(HasOverlay) ? "    iifname @overlays ether daddr @gateways drop\n" : "")}}    iifname @taps goto guest
          }
          chain guest {
            iifname . ether saddr != @nics drop
            ether type arp goto guest_arp
            ether type 0x8035 @nh,48,16 3 accept
            ether type ip goto guest_ip
            ether type ip6 iifname @ipv6 goto guest_ipv6
            drop
          }
          chain guest_arp {
            iifname . arp saddr ether != @nics drop
            iifname @any_ipv4 accept
            arp saddr ip 0.0.0.0 accept
            iifname . arp saddr ip != @addresses drop
          }
          chain guest_ip {
            ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept
            udp sport 67 drop
            iifname @any_ipv4 accept
            iifname . ip saddr != @addresses drop
          }
          chain guest_ipv6 {
            udp sport 547 drop
            icmpv6 type { nd-router-advert, nd-redirect } drop
            iifname @any_ipv6 accept
            ip6 saddr @routers drop
            ip6 saddr :: icmpv6 type { nd-neighbor-solicit, mld-listener-report, mld2-listener-report } accept
            ip6 saddr != fe80::/64 iifname . ip6 saddr != @ipv6_addresses drop
            icmpv6 type nd-neighbor-advert goto guest_neighbor
          }
          chain guest_neighbor {
            @th,64,128 @router_targets drop
            @th,64,64 0xfe80000000000000 accept
            iifname . @th,64,128 != @ipv6_targets drop
          }
        }

        """;

    /// <summary>
    /// The gateway has one MAC and address on every host, and each host answers its own guests: nothing to or from it, no question for it and no question that only it
    /// answers goes from host to host. What comes from another host may come only from a card that is there, as from a tap.
    /// </summary>
    private static string Overlays(IReadOnlyList<PlannedNetwork> networks)
    {
        PlannedNetwork[] wide = [.. networks.Where(HasOverlay)];
        return wide.Length == 0 ? "" : $$"""
              set overlays {
                type ifname
                elements = { {{Join(wide, network => $"\"{network.Overlay!.Link}\"")}} }
              }
              set gateways {
                type ether_addr
                elements = { {{Join(wide, network => network.BridgeMac)}} }
              }
              set gateway_addresses {
                type ipv4_addr
                elements = { {{Join(wide, network => network.Subnet!.Value.Gateway)}} }
              }
              set gateway_targets {
                typeof @th,64,128
            {{Routers(wide, network => $"{Ipv6Subnet.Hexadecimal(RouterAddress(network))}, {Ipv6Subnet.Hexadecimal(network.Ipv6Subnet!.Value.Gateway)}")}}  }
              chain postrouting {
                type filter hook postrouting priority -300; policy accept;
                oifname @overlays goto to_other_hosts
              }
              chain to_other_hosts {
                ether saddr @gateways drop
                ether daddr @gateways drop
                arp daddr ip @gateway_addresses drop
                udp dport { 67, 547 } drop
                icmpv6 type { nd-router-solicit, nd-router-advert } drop
                icmpv6 type nd-neighbor-solicit @th,64,128 @gateway_targets drop
              }

            """;
    }

    private static bool HasOverlay(PlannedNetwork network) => network.Overlay is not null;

    private static string Join(IReadOnlyList<PlannedNetwork> networks, Func<PlannedNetwork, string> element) => string.Join(", ", networks.Select(element));

    private static string RouterAddress(PlannedNetwork network) => Ipv6Subnet.LinkLocalOf(network.BridgeMac);

    private static string Routers(IReadOnlyList<PlannedNetwork> networks, Func<PlannedNetwork, string> element)
    {
        string[] elements = [.. networks.Where(network => network.Kind != NetworkKind.Bridge && network.Ipv6Subnet is not null).Select(element)];
        return elements.Length == 0 ? "" : $"    elements = {{ {string.Join(", ", elements)} }}\n";
    }
}
