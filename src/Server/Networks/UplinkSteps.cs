using System.Net.NetworkInformation;
using Lamina.Linux.Network;

namespace Lamina.Server.Networks;

/// <summary>
/// The single steps by which a card's addresses move to a bridge, and back. Each is one request to the kernel and safe to repeat, so that whoever finds
/// a half-done move can go on with it or undo it by the same list. All together take a few milliseconds; connections of the host survive that.
/// </summary>
internal static class UplinkSteps
{
    /// <param name="netlink">Of the host.</param>
    /// <param name="intent">What to do.</param>
    /// <param name="taps">Those of the network's guests: they return into a bridge that was made anew.</param>
    public static IEnumerable<Action> Apply(Netlink netlink, UplinkIntent intent, IReadOnlyCollection<string> taps)
    {
        var addressing = MovedOf(intent);
        yield return () => EnsureBridge(netlink, intent);
        yield return () => CopySetting(intent, "accept_ra");
        yield return () => netlink.Change(intent.Device, new() { Master = intent.Bridge, Up = true });

        // What the kernel made by a router's advertisements it makes again on the bridge; the card must not keep it.
        if (intent.IsAutoconfigured) yield return () => Sysctl.Set($"net/ipv6/conf/{intent.Device}/disable_ipv6", "1");
        foreach (var part in Backwards(addressing)) yield return () => netlink.RemoveAddressing(intent.Device, part);
        foreach (var part in Forwards(addressing)) yield return () => netlink.AddAddressing(intent.Bridge, part);
        foreach (var tap in taps) yield return () => netlink.Change(tap, new() { Master = intent.Bridge });
    }

    public static IEnumerable<Action> Undo(Netlink netlink, UplinkIntent intent)
    {
        var addressing = MovedOf(intent);
        var bridge = netlink.FindLink(intent.Bridge) is { } found && IsOurs(found, intent) ? found : null;
        var device = netlink.FindLink(intent.Device);
        if (bridge is not null)
            foreach (var part in Backwards(addressing)) yield return () => netlink.RemoveAddressing(intent.Bridge, part);
        if (device is not null)
        {
            if (bridge is not null && device.MasterIndex == bridge.Index) yield return () => netlink.Change(intent.Device, new() { Master = "" });
            yield return () => netlink.Change(intent.Device, new() { Up = true });
            if (intent.IsAutoconfigured) yield return () => Sysctl.Set($"net/ipv6/conf/{intent.Device}/disable_ipv6", "0");
            foreach (var part in Forwards(addressing)) yield return () => netlink.AddAddressing(intent.Device, part);
        }

        if (bridge is not null) yield return () => netlink.DeleteLink(intent.Bridge);
    }

    /// <summary>A bridge of ours; one that somebody else made of this name is refused, never touched.</summary>
    private static void EnsureBridge(Netlink netlink, UplinkIntent intent)
    {
        var wanted = new LinkChange { Up = true, MtuBytes = intent.MtuBytes, Mac = PhysicalAddress.Parse(intent.DeviceMac), Alias = intent.BridgeOwner };
        var found = netlink.FindLink(intent.Bridge);
        if (found is null) netlink.CreateBridge(intent.Bridge, wanted);
        else if (IsOurs(found, intent)) netlink.Change(intent.Bridge, wanted);
        else throw ProblemException.Conflict("network.linkTaken", $"The link {intent.Bridge} is {found.Alias ?? "somebody else's"}.", $"Remove that link: ip link delete {intent.Bridge}");
    }

    /// <summary>One without an alias is ours whose maker died before it set it.</summary>
    private static bool IsOurs(Link found, UplinkIntent intent) => found.Kind == "bridge" && (found.Alias ?? intent.BridgeOwner) == intent.BridgeOwner;

    private static void CopySetting(UplinkIntent intent, string name)
    {
        if (Sysctl.Exists($"net/ipv6/conf/{intent.Device}")) Sysctl.Set($"net/ipv6/conf/{intent.Bridge}/{name}", Sysctl.Read($"net/ipv6/conf/{intent.Device}/{name}"));
    }

    private static LinkAddressing MovedOf(UplinkIntent intent) => intent.Addressing with { Addresses = [.. intent.Addressing.Addresses.Where(address => !address.IsDynamic)] };

    private static IEnumerable<LinkAddressing> Forwards(LinkAddressing addressing) =>
        addressing.Addresses.Select(address => new LinkAddressing { Addresses = [address] })
            .Concat(addressing.Routes.Select(route => new LinkAddressing { Routes = [route] }));

    private static IEnumerable<LinkAddressing> Backwards(LinkAddressing addressing) => Forwards(addressing).Reverse();
}
