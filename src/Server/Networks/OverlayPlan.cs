using System.Globalization;
using System.Net;
using System.Net.NetworkInformation;
using Lamina.Api;
using Lamina.Linux.Network;
using Lamina.Server.Control;

namespace Lamina.Server.Networks;

/// <summary>
/// From the records to the ways between hosts (pure): in a cluster each NAT or isolated network is one VXLAN (decision 21). Nothing is learned from frames: where a
/// card is stands in the store, so that an entry moves with its VM's assignment and a forged frame moves none.
/// </summary>
internal static class OverlayPlan
{
    public const string Slot = "overlay";

    private static readonly PhysicalAddress AllElse = new(new byte[6]);

    /// <summary>The networks with their ways to other hosts. Ports are forwarded on the host of their VM only: answers go by the gateway of that host.</summary>
    public static IReadOnlyList<PlannedNetwork> Apply(Instance instance, string hostId, CacheSnapshot snapshot, IReadOnlyList<PlannedNetwork> plan)
    {
        if (!HasOthers(snapshot, hostId) || FindEnd(snapshot, hostId) is not { } own) return plan;
        var others = Hosts(snapshot).Where(host => host.Id != hostId)
            .Select(host => (host.Id, End: EndOf(host.Record.Addresses!)))
            .Where(host => host.End?.AddressFamily == own.AddressFamily)
            .ToDictionary(host => host.Id, host => host.End!, StringComparer.Ordinal);
        return [.. plan.Select(network => network.Kind != NetworkKind.Bridge && snapshot.Get(Keys.Networks.Spec, network.Id)?.Record.Vni is { } vni
            ? With(instance, own, others, vni, snapshot, network)
            : network)];
    }

    /// <summary>Whether there are other hosts that could run guests.</summary>
    public static bool HasOthers(CacheSnapshot snapshot, string hostId) => Hosts(snapshot).Any(host => host.Id == hostId) && Hosts(snapshot).Any(host => host.Id != hostId);

    /// <summary>From what is there to what is wanted. An entry for a card is replaced in one step: its frames go nowhere else in between.</summary>
    public static OverlayChange Change(
        IReadOnlySet<OverlayEntry> wanted, IReadOnlySet<PhysicalAddress> behind, IReadOnlyCollection<OverlayEntry> there, IReadOnlyCollection<PhysicalAddress> behindThere)
    {
        var cards = wanted.Select(entry => entry.Mac).Where(mac => !mac.Equals(AllElse)).ToHashSet();
        return new()
        {
            Set = [.. wanted.Except(there)],
            SetBehind = [.. behind.Except(behindThere)],
            Remove = [.. there.Except(wanted).Where(entry => !cards.Contains(entry.Mac))],
            RemoveBehind = [.. behindThere.Except(behind)],
        };
    }

    public static PhysicalAddress MacOf(string mac) => PhysicalAddress.Parse(mac.Replace(':', '-').ToUpperInvariant());

    private static PlannedNetwork With(Instance instance, IPEndPoint own, Dictionary<string, IPEndPoint> others, int vni, CacheSnapshot snapshot, PlannedNetwork network)
    {
        var link = instance.LinkName(network.Id, Slot);
        var away = network.Nics
            .Select(nic => (Nic: nic, Host: snapshot.Get(Keys.Vms.Assignment, nic.Vm)?.Record.Host))
            .Where(card => card.Host is not null && others.ContainsKey(card.Host))
            .ToArray();
        var addresses = away.Select(card => card.Nic.Address).ToHashSet();
        return network with
        {
            Forwards = [.. network.Forwards.Where(forward => !addresses.Contains(forward.Address))],
            Overlay = new()
            {
                Link = link,
                Owner = instance.LinkOwner(network.Id, Slot),
                Vxlan = new(vni, own.Address, own.Port),
                Entries = away.Select(card => Entry(MacOf(card.Nic.Mac), others[card.Host!], own)).Concat(others.Values.Select(other => Entry(AllElse, other, own))).ToHashSet(),
                Nics = [.. away.Select(card => card.Nic with { Tap = link })],
            },
        };
    }

    /// <summary>The kernel leaves out the port when it is that of the VXLAN itself.</summary>
    private static OverlayEntry Entry(PhysicalAddress mac, IPEndPoint other, IPEndPoint own) => new(mac, other.Address, other.Port == own.Port ? 0 : other.Port);

    private static IEnumerable<CachedRecord<HostSpec>> Hosts(CacheSnapshot snapshot) =>
        snapshot.All(Keys.Hosts.Spec).Where(host => host.Record is { Addresses: not null, Witness: false });

    private static IPEndPoint? FindEnd(CacheSnapshot snapshot, string hostId) =>
        Hosts(snapshot).FirstOrDefault(host => host.Id == hostId) is { } host ? EndOf(host.Record.Addresses!) : null;

    private static IPEndPoint? EndOf(HostAddresses addresses) =>
        IPAddress.TryParse(addresses.Migration, out var address)
        && int.TryParse(addresses.Peer[(addresses.Peer.LastIndexOf(':') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            ? new(address, Instance.OverlayPortOf(port))
            : null;
}
