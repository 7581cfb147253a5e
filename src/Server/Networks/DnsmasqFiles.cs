using System.Text;
using Lamina.Api;

namespace Lamina.Server.Networks;

/// <summary>What dnsmasq reads for one network (pure; dnsmasq(8)).</summary>
/// <param name="Configuration">Read once: another one asks for a new process.</param>
/// <param name="DhcpHosts">Which card gets which address and name; read again at SIGHUP.</param>
/// <param name="Names">What DNS knows; read again at SIGHUP.</param>
internal sealed record DnsmasqFiles(string Configuration, string DhcpHosts, string Names)
{
    public const string ConfigurationName = "dnsmasq.conf";
    public const string DhcpHostsName = "dhcp-hosts";
    public const string NamesName = "names";
    private const string RouterAdvertisements = "enable-ra";

    /// <summary>It opens a raw socket for ICMPv6, which asks for a capability more.</summary>
    public bool NeedsRawSockets => Configuration.Contains($"\n{RouterAdvertisements}\n", StringComparison.Ordinal);

    /// <param name="network">What to serve.</param>
    /// <param name="folder">Where the files will lie.</param>
    public static DnsmasqFiles For(PlannedNetwork network, string folder) =>
        new(RenderConfiguration(network, folder), RenderDhcpHosts(network), RenderNames(network));

    /// <summary>
    /// Addresses are allocated in the store, so dnsmasq keeps no leases and knows nobody else. Answers are broadcast and addresses not tried before,
    /// so that it needs no right to touch the host's ARP table or to send raw packets.
    /// </summary>
    private static string RenderConfiguration(PlannedNetwork network, string folder) => $"""
        # Network {network.Name}, rendered by laminad; changes are lost.
        keep-in-foreground
        log-facility=-
        pid-file
        interface={network.Bridge}
        except-interface=lo
        bind-interfaces
        no-hosts
        domain-needed
        bogus-priv
        local=/{network.Domain}/
        domain={network.Domain}
        expand-hosts
        addn-hosts={Path.Combine(folder, NamesName)}
        {(network.Kind == NetworkKind.Isolated ? "no-resolv\n" : "")}{(network.Dhcp ? RenderDhcp(network, folder) : "")}
        """;

    /// <summary>A guest's resolver may ask by any name: an isolated network gets no answer from the world, and no router that leads nowhere.</summary>
    private static string RenderDhcp(PlannedNetwork network, string folder)
    {
        var subnet = network.Subnet!.Value;
        return $"""
            dhcp-range={subnet.NetworkAddress},static,{subnet.Mask},1h
            dhcp-authoritative
            dhcp-ignore=tag:!known
            dhcp-hostsfile={Path.Combine(folder, DhcpHostsName)}
            dhcp-option=option:router{(network.Kind == NetworkKind.Isolated ? "" : $",{subnet.Gateway}")}
            dhcp-option=option:dns-server,{subnet.Gateway}
            dhcp-option=option:mtu,{network.MtuBytes}
            dhcp-broadcast
            leasefile-ro
            no-ping
            quiet-dhcp

            """ + (network.Ipv6Subnet is { } ipv6 ? RenderIpv6(network, ipv6) : "");
    }

    /// <summary>
    /// Advertised: ask DHCP for your address, make none yourself (RFC 4861, managed flag). As a way out (a lifetime) the host stands only when it has one itself:
    /// guests would else wait for answers that never come.
    /// </summary>
    private static string RenderIpv6(PlannedNetwork network, Ipv6Subnet ipv6) => $"""
        dhcp-range={ipv6.NetworkAddress},static,{Ipv6Subnet.PrefixLength},1h
        dhcp-option=option6:dns-server,[{ipv6.Gateway}]
        {RouterAdvertisements}
        ra-param={network.Bridge},mtu:{network.MtuBytes},60,{(network.HasIpv6WayOut ? 1800 : 0)}
        quiet-dhcp6
        quiet-ra

        """;

    private static string RenderDhcpHosts(PlannedNetwork network)
    {
        var text = new StringBuilder();
        foreach (var nic in network.Nics)
        {
            var ipv6 = nic.Ipv6Address is null ? "" : $",[{nic.Ipv6Address}]";
            text.Append($"{nic.Mac},{nic.Address}{ipv6}{(nic.HostName is null ? "" : $",{nic.HostName}")}\n");
        }

        return text.ToString();
    }

    private static string RenderNames(PlannedNetwork network)
    {
        var text = new StringBuilder($"{network.Subnet!.Value.Gateway} gateway\n");
        if (network.Ipv6Subnet is { } ipv6) text.Append($"{ipv6.Gateway} gateway\n");
        foreach (var nic in network.Nics.Where(nic => nic.HostName is not null))
        {
            text.Append($"{nic.Address} {nic.HostName}\n");
            if (nic.Ipv6Address is not null) text.Append($"{nic.Ipv6Address} {nic.HostName}\n");
        }

        return text.ToString();
    }
}
