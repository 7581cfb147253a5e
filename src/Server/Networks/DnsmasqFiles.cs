using System.Text;

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
        dhcp-range={network.Subnet.NetworkAddress},static,{network.Subnet.Mask},1h
        dhcp-authoritative
        dhcp-ignore=tag:!known
        dhcp-hostsfile={Path.Combine(folder, DhcpHostsName)}
        dhcp-option=option:router,{network.Subnet.Gateway}
        dhcp-option=option:dns-server,{network.Subnet.Gateway}
        dhcp-option=option:mtu,{network.MtuBytes}
        dhcp-broadcast
        leasefile-ro
        no-ping
        quiet-dhcp

        """;

    private static string RenderDhcpHosts(PlannedNetwork network)
    {
        var text = new StringBuilder();
        foreach (var nic in network.Nics) text.Append(nic.HostName is null ? $"{nic.Mac},{nic.Address}\n" : $"{nic.Mac},{nic.Address},{nic.HostName}\n");
        return text.ToString();
    }

    private static string RenderNames(PlannedNetwork network)
    {
        var text = new StringBuilder($"{network.Subnet.Gateway} gateway\n");
        foreach (var nic in network.Nics.Where(nic => nic.HostName is not null)) text.Append($"{nic.Address} {nic.HostName}\n");
        return text.ToString();
    }
}
