using Lamina.Api;
using Lamina.Server.Networks;

namespace Lamina.Server.Doctor;

/// <summary>What may keep guests from the world though their networks are up. Pure.</summary>
internal static class DoctorNetworkChecks
{
    public static DoctorCheck Network(NetworkFacts network)
    {
        string name = $"network {network.Name}";
        return network.Status switch
        {
            null => Check(name, CheckVerdict.Warning, "It has not been set up yet.", "Ask again in a few seconds."),
            { Up: true } up => Check(name, CheckVerdict.Ok, $"up on {up.Bridge}"),
            { Uplink: { State: UplinkState.AwaitingConfirmation } uplink } => Check(
                name, CheckVerdict.Warning, $"The addresses of {uplink.Device} have moved to a bridge; that is taken back unless it is confirmed.", $"lamina network confirm {network.Name}"),
            var down => Check(name, CheckVerdict.Error, down.Failure?.Message ?? "It is down.", down.Failure?.Remedy ?? "See 'lamina events' for why."),
        };
    }

    public static IEnumerable<DoctorCheck> Host(HostNetworkFacts facts)
    {
        if (facts.Forwards == false)
        {
            yield return Check(
                "forwarding", CheckVerdict.Error, "This host passes no IPv4 packets on, so guests reach nothing beyond it: something switched net.ipv4.ip_forward off.",
                "sysctl net.ipv4.ip_forward=1; find who sets it to 0: grep -r ip_forward /etc/sysctl.conf /etc/sysctl.d");
        }

        foreach (var firewall in facts.Firewalls)
        {
            var within = facts.FiltersBridges ? " Bridged frames pass it too (net.bridge.bridge-nf-call-iptables=1)." : "";
            yield return Check(
                $"firewall {firewall.Owner}", CheckVerdict.Error,
                $"{firewall.Owner} drops what this host passes on (chain {firewall.Chain} of table {firewall.Table}): guests reach neither the world nor each other's networks, and forwarded ports lead nowhere.{within}",
                Remedy(firewall));
        }

        foreach (var (network, device, manager) in facts.Managed)
            yield return Check($"link {device}", CheckVerdict.Warning, $"{manager} sets up {device}, which stands in the bridge of network {network}: it may take its addresses back.", LinkManager.Remedy(manager, device));
        foreach (var (network, device, vlan) in facts.OnFilteringBridges)
        {
            yield return Check(
                $"vlan {vlan} of {device}", CheckVerdict.Warning, $"{device} passes only the VLANs that its ports were given, and network {network} needs {vlan}: at the bridge itself and at the port to the LAN.",
                $"See: bridge vlan show. If {vlan} is missing: bridge vlan add dev {device} vid {vlan} self; bridge vlan add dev PORT vid {vlan}; and in the host's network configuration.");
        }

        if (facts.Leftovers.Count > 0)
        {
            yield return Check(
                "leftovers", CheckVerdict.Warning, $"Bridges of other daemons hold addresses on this host: {string.Join(", ", facts.Leftovers)}.",
                "If such a daemon is gone for good: laminad remove-networks --instance NAME");
        }
    }

    private static string Remedy(ForeignFirewall firewall) => firewall.Owner switch
    {
        "Docker" => "iptables -I DOCKER-USER -i lm+ -j ACCEPT; iptables -I DOCKER-USER -o lm+ -j ACCEPT (again after each start of Docker)",
        "ufw" => "In /etc/ufw/before.rules, before COMMIT: -A ufw-before-forward -i lm+ -j ACCEPT and -A ufw-before-forward -o lm+ -j ACCEPT; then ufw reload",
        "firewalld" => "firewall-cmd --permanent --zone=trusted --add-interface=BRIDGE for each bridge of 'lamina network list'; then firewall-cmd --reload",
        _ => $"nft insert rule {firewall.Table} {firewall.Chain} iifname \"lm*\" accept; nft insert rule {firewall.Table} {firewall.Chain} oifname \"lm*\" accept (and in the file that makes this table)",
    };

    private static DoctorCheck Check(string name, CheckVerdict verdict, string message, string? remedy = null) =>
        new() { Name = name, Verdict = verdict, Message = message, Remedy = remedy };
}
