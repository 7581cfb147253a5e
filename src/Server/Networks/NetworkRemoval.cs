using System.Text;
using Lamina.Linux;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Server.Networks.Firewall;

namespace Lamina.Server.Networks;

/// <summary>
/// Takes all of an instance's networks off the host: for its removal. The records stay, and a next start of the daemon brings everything back. Only while
/// no daemon of the instance runs.
/// </summary>
internal static class NetworkRemoval
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(20);

    /// <returns>What was removed, in words.</returns>
    /// <exception cref="ProblemException">Guests are plugged in.</exception>
    public static async Task<IReadOnlyList<string>> RunAsync(Instance instance, TimeProvider time, CancellationToken cancellation)
    {
        var removed = new List<string>();
        using var netlink = new Netlink();
        var links = netlink.ListLinks().Where(link => LinkOwner.Parse(link.Alias ?? "")?.Instance == instance.Name).ToArray();
        if (links.FirstOrDefault(link => link.Kind is not ("bridge" or "vxlan" or "vlan") && link.HasCarrier) is { } used)
        {
            throw ProblemException.Conflict(
                "network.inUse", $"A guest is plugged into the link {used.Name} ({used.Alias}).", "Shut the guests down first: laminad shutdown-guests");
        }

        var uplinks = new HostUplinks(netlink, new(instance.UplinksDirectory), null, time, HostClock.ReadBootId());
        if (uplinks.RemoveOthers(new HashSet<string>()).Values.FirstOrDefault() is { } refused) throw refused;

        foreach (var networkId in NetworkSweep.FoldersOf(instance))
        {
            using var server = new DnsmasqServer(NetworkSweep.FolderOf(instance, networkId), instance.DnsmasqUserId);
            await server.RemoveAsync(time, cancellation);
            removed.Add($"dnsmasq of network {networkId}");
        }

        foreach (var link in links.Where(link => netlink.DeleteLink(link.Name))) removed.Add($"link {link.Name} of {link.Alias}");
        await Command.RunAsync(
            new() { Program = "nft", Arguments = ["-f", "-"], Input = Encoding.UTF8.GetBytes(NftText.RemoveTables(instance.NftTable) + FirewallRuleset.Remove(HostFirewall.TableOf(instance.NftTable))), Timeout = Timeout },
            cancellation);
        removed.Add($"packet rules {instance.NftTable}");
        return removed;
    }
}
