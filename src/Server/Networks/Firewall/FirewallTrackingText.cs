namespace Lamina.Server.Networks.Firewall;

/// <summary>
/// The chains that every filtered card passes before and behind the rules of its groups: <c>always_*</c> lets through what belongs to a connection that was let
/// through, and what a guest needs to have an address at all; <c>open_out</c> and <c>keep_*</c> remember. In two ways: by the kernel's connection tracking, and where
/// a kernel has none for bridges (nf_conntrack_bridge), by sets of flows.
/// </summary>
internal static class FirewallTrackingText
{
    /// <summary>DHCP's answers; neighbours and routers of IPv6 (RFC 4890, 4.4.1): without them there is no network that could be filtered.</summary>
    private const string AlwaysIn = """
            ether type arp accept
            udp sport 67 udp dport 68 accept
            udp sport 547 udp dport 546 accept
            icmpv6 type { nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-query, mld-listener-report, mld2-listener-report } accept

        """;

    /// <summary>Behind ARP, RARP: by that QEMU tells the switches that a guest has come to this host.</summary>
    private const string AlwaysOut = """
            ether type { arp, 0x8035 } accept
            udp sport 68 udp dport 67 accept
            udp sport 546 udp dport 547 accept
            icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld-listener-report, mld2-listener-report } accept
            ip daddr @gateways4 udp dport 53 goto open_out
            ip daddr @gateways4 tcp dport 53 goto open_out
            ip6 daddr @gateways6 udp dport 53 goto open_out
            ip6 daddr @gateways6 tcp dport 53 goto open_out

        """;

    /// <summary>More than this is no guest's work; without a bound one guest could fill the tables in which all connections are kept.</summary>
    private const string OpenOut = """
          chain open_out {
            update @opening { iifname limit rate over 1000/second burst 5000 packets } goto drop_out
            goto keep_out
          }

        """;

    public const string Conntrack = $$"""
          chain always_in {
            ct state established,related accept
        {{AlwaysIn}}  }
          chain always_out {
            ct state established,related accept
        {{AlwaysOut}}  }
        {{OpenOut}}  chain keep_out {
            accept
          }
          chain keep_in {
            accept
          }

        """;

    /// <summary>The card, the guest's address, the other's, the guest's port, the other's.</summary>
    public const string FlowSets = $$"""
          set tcp4 {
            type ifname . ipv4_addr . ipv4_addr . inet_service . inet_service
        {{FlowSet}}  }
          set tcp6 {
            type ifname . ipv6_addr . ipv6_addr . inet_service . inet_service
        {{FlowSet}}  }
          set udp4 {
            type ifname . ipv4_addr . ipv4_addr . inet_service . inet_service
        {{FlowSet}}  }
          set udp6 {
            type ifname . ipv6_addr . ipv6_addr . inet_service . inet_service
        {{FlowSet}}  }

        """;

    private const string FlowSet = """
            size 262144
            flags dynamic,timeout
            timeout 1h

        """;

    private const string In4 = "oifname . ip daddr . ip saddr . th dport . th sport";
    private const string In6 = "oifname . ip6 daddr . ip6 saddr . th dport . th sport";
    private const string Out4 = "iifname . ip saddr . ip daddr . th sport . th dport";
    private const string Out6 = "iifname . ip6 saddr . ip6 daddr . th sport . th dport";

    /// <summary>
    /// Without the kernel's tracking: a packet that was let through makes its flow known in both directions. Errors of ICMP and echo replies pass (they open
    /// nothing); a later fragment passes, since nobody can put it together without the first.
    /// </summary>
    public const string Flows = $$"""
          chain always_in {
            meta l4proto tcp {{In4}} @tcp4 goto keep_in
            meta l4proto udp {{In4}} @udp4 goto keep_in
            meta l4proto tcp {{In6}} @tcp6 goto keep_in
            meta l4proto udp {{In6}} @udp6 goto keep_in
            ip frag-off & 0x1fff > 1 accept
            frag frag-off > 1 accept
            icmp type { echo-reply, destination-unreachable, time-exceeded, parameter-problem } accept
            icmpv6 type { echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
        {{AlwaysIn}}  }
          chain always_out {
            meta l4proto tcp {{Out4}} @tcp4 goto keep_out
            meta l4proto udp {{Out4}} @udp4 goto keep_out
            meta l4proto tcp {{Out6}} @tcp6 goto keep_out
            meta l4proto udp {{Out6}} @udp6 goto keep_out
            ip frag-off & 0x1fff > 1 accept
            frag frag-off > 1 accept
            icmp type { echo-reply, destination-unreachable, time-exceeded, parameter-problem } accept
            icmpv6 type { echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept
        {{AlwaysOut}}  }
        {{OpenOut}}  chain keep_in {
            tcp flags & (fin | syn | rst) != 0 update @tcp4 { {{In4}} timeout 2m } accept
            tcp flags & (fin | syn | rst) != 0 update @tcp6 { {{In6}} timeout 2m } accept
            meta l4proto tcp update @tcp4 { {{In4}} timeout 1h } accept
            meta l4proto tcp update @tcp6 { {{In6}} timeout 1h } accept
            meta l4proto udp update @udp4 { {{In4}} timeout 3m } accept
            meta l4proto udp update @udp6 { {{In6}} timeout 3m } accept
            accept
          }
          chain keep_out {
            tcp flags & (fin | syn | rst) != 0 update @tcp4 { {{Out4}} timeout 2m } accept
            tcp flags & (fin | syn | rst) != 0 update @tcp6 { {{Out6}} timeout 2m } accept
            meta l4proto tcp update @tcp4 { {{Out4}} timeout 1h } accept
            meta l4proto tcp update @tcp6 { {{Out6}} timeout 1h } accept
            meta l4proto udp update @udp4 { {{Out4}} timeout 3m } accept
            meta l4proto udp update @udp6 { {{Out6}} timeout 3m } accept
            accept
          }

        """;
}
