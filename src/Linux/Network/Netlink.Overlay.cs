using System.Net.NetworkInformation;

namespace Lamina.Linux.Network;

/// <summary>VLANs, and VXLANs with their forwarding entries.</summary>
public sealed partial class Netlink
{
    /// <summary>As with a bridge, the settings come in a second request.</summary>
    public void CreateVxlan(string name, VxlanSettings vxlan, LinkChange settings)
    {
        CrashPoints.Reached("vxlan", "create", "before");
        socket.Request($"create the VXLAN {name}", NewLink(New, name, new()).AddNested(LinkAttribute.Info, info => OverlayCodec.AddVxlan(info, vxlan)));
        CrashPoints.Reached("vxlan", "create", "after");
        Change(name, settings);
    }

    /// <summary>The kernel loads its module 8021q by itself, where it has one.</summary>
    /// <exception cref="LinuxException"><see cref="Errno.NotSupported"/>: this kernel knows no VLANs; <see cref="Errno.Exists"/>: the parent has one of this tag.</exception>
    public void CreateVlan(string name, string parent, int tag, LinkChange settings)
    {
        var action = $"create VLAN {tag} on {parent} as {name}";
        var message = NewLink(New, name, new()).Add(LinkAttribute.Parent, IndexOf(parent, action)).AddNested(LinkAttribute.Info, info => OverlayCodec.AddVlan(info, tag));
        CrashPoints.Reached("vlan", "create", "before");
        socket.Request(action, message);
        CrashPoints.Reached("vlan", "create", "after");
        Change(name, settings);
    }

    /// <summary>Where a VXLAN sends what, and the MACs that its bridge was told to be behind it.</summary>
    public (IReadOnlyList<OverlayEntry> Entries, IReadOnlyList<PhysicalAddress> Behind) ListForwarding(int link)
    {
        var answers = socket.Dump($"list forwarding entries of link {link}", OverlayCodec.List(link));
        return (
            [.. answers.Select(answer => OverlayCodec.ToEntry(answer, link)).OfType<OverlayEntry>()],
            [.. answers.Select(answer => OverlayCodec.ToBehind(answer, link)).OfType<PhysicalAddress>()]);
    }

    /// <summary>Lets frames to a MAC go to another end; for the MAC of zeros, to that one too.</summary>
    public void SetForwarding(int link, OverlayEntry entry)
    {
        var flags = Existing | NetlinkFlags.Create | (IsForAll(entry.Mac) ? NetlinkFlags.Append : NetlinkFlags.Replace);
        socket.Request($"send frames for {entry.Mac} to {entry.Destination}", OverlayCodec.Request(NetlinkType.NewNeighbour, flags, link, entry));
        CrashPoints.Reached("forwarding", "set", "after");
    }

    /// <returns>False when there was no such entry.</returns>
    public bool RemoveForwarding(int link, OverlayEntry entry) => Unless(
        Errno.NoEntry,
        $"send frames for {entry.Mac} no longer to {entry.Destination}",
        OverlayCodec.Request(NetlinkType.DeleteNeighbour, Existing, link, entry));

    /// <summary>Tells the bridge behind which of its ports a MAC is, wherever it was until now.</summary>
    public void SetBehind(int link, PhysicalAddress mac) => socket.Request(
        $"send frames for {mac} to link {link}",
        OverlayCodec.Request(NetlinkType.NewNeighbour, Existing | NetlinkFlags.Create | NetlinkFlags.Replace, link, mac));

    /// <returns>False when there was no such entry.</returns>
    public bool RemoveBehind(int link, PhysicalAddress mac) => Unless(
        Errno.NoEntry,
        $"send frames for {mac} no longer to link {link}",
        OverlayCodec.Request(NetlinkType.DeleteNeighbour, Existing, link, mac));

    private static bool IsForAll(PhysicalAddress mac) => mac.GetAddressBytes().All(part => part == 0);
}
