using System.Text.RegularExpressions;
using Lamina.Linux.Network;
using Lamina.Server.Control;

namespace Lamina.Server.Networks;

/// <summary>
/// What a crash left of networks and cards (decision 18): links and dnsmasq processes of owners without a record are removed, but never from under a guest:
/// what is in use is only listed.
/// </summary>
internal sealed partial class NetworkSweep(Instance instance, Netlink netlink, Func<string, DnsmasqServer> serverOf, TimeProvider time)
{
    private readonly List<string> _removed = [];
    private readonly List<string> _orphans = [];

    /// <param name="snapshot">Asked after the links were read: a link seen here had its record before it was made.</param>
    /// <param name="cancellation">Ends the sweep.</param>
    public async Task<SweepReport> SweepAsync(Func<CacheSnapshot> snapshot, CancellationToken cancellation)
    {
        var folders = FoldersOf(instance);
        var links = netlink.ListLinks();
        var now = snapshot();
        foreach (var link in links.Where(link => OurName().IsMatch(link.Name))) Sweep(link, links, now);
        foreach (var id in folders.Where(id => now.Get(Keys.Networks.Spec, id) is null)) await StopAsync(id, links, cancellation);
        return new SweepReport { Removed = _removed, Orphans = _orphans };
    }

    /// <summary>The files of dnsmasq for one network.</summary>
    public static string FolderOf(Instance instance, string networkId) => Path.Combine(RootOf(instance), networkId);

    /// <summary>The ids of networks that have such files.</summary>
    public static IReadOnlyList<string> FoldersOf(Instance instance) =>
        Directory.Exists(RootOf(instance)) ? [.. Directory.EnumerateDirectories(RootOf(instance)).Select(path => Path.GetFileName(path))] : [];

    private static string RootOf(Instance instance) => Path.Combine(instance.RunDirectory, "networks");

    private void Sweep(Link link, IReadOnlyList<Link> links, CacheSnapshot now)
    {
        if (link.Alias is null)
        {
            _orphans.Add($"link {link.Name}, which names no owner");
            return;
        }

        if (LinkOwner.Parse(link.Alias) is not { } owner || owner.Instance != instance.Name || HasRecord(owner, now)) return;
        if (IsInUse(link, links))
        {
            _orphans.Add($"link {link.Name} of {link.Alias}, which is in use");
            return;
        }

        if (netlink.DeleteLink(link.Name)) _removed.Add($"link {link.Name} of {link.Alias}");
    }

    private static bool HasRecord(LinkOwner owner, CacheSnapshot now) => owner.Slot is NetworkPlan.BridgeSlot or OverlayPlan.Slot or HostVlans.Slot
        ? now.Get(Keys.Networks.Spec, owner.Id) is not null
        : now.Get(Keys.Vms.Spec, owner.Id) is not null;

    /// <summary>A tap has a carrier while somebody holds it; a bridge is used by its ports, but not by its way to other hosts or into a VLAN.</summary>
    private static bool IsInUse(Link link, IReadOnlyList<Link> links) => link.Kind switch
    {
        "bridge" => links.Any(port => port.MasterIndex == link.Index && port.Kind is not ("vxlan" or "vlan")),
        "vxlan" or "vlan" => false,
        _ => link.HasCarrier,
    };

    private async Task StopAsync(string networkId, IReadOnlyList<Link> links, CancellationToken cancellation)
    {
        var bridge = links.FirstOrDefault(link => link.Name == instance.LinkName(networkId, NetworkPlan.BridgeSlot));
        if (bridge is not null && IsInUse(bridge, links)) return; // listed with its bridge
        await serverOf(networkId).RemoveAsync(time, cancellation);
        _removed.Add($"dnsmasq of network {networkId}");
    }

    [GeneratedRegex("^lm[a-z2-7]{13}$")]
    private static partial Regex OurName();
}

/// <summary>An alias of a link taken apart: <c>lamina/&lt;instance&gt;/&lt;owner&gt;/&lt;slot&gt;</c>.</summary>
internal sealed record LinkOwner(string Instance, string Id, string Slot)
{
    /// <returns>Null when it is none of Lamina's.</returns>
    public static LinkOwner? Parse(string alias) =>
        alias.Split('/') is ["lamina", var instance, var id, var slot] ? new(instance, id, slot) : null;
}
