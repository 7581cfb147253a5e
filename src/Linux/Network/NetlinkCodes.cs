namespace Lamina.Linux.Network;

/// <summary>Message types of rtnetlink(7) and of netlink itself.</summary>
internal enum NetlinkType : ushort
{
    Error = 2,
    Done = 3,
    NewLink = 16,
    DeleteLink = 17,
    GetLink = 18,
    NewAddress = 20,
    DeleteAddress = 21,
    GetAddress = 22,
    NewRoute = 24,
    DeleteRoute = 25,
    GetRoute = 26,
    NewNeighbour = 28,
    DeleteNeighbour = 29,
    GetNeighbour = 30,
    NewQueue = 36, // RTM_NEWQDISC
    DeleteQueue = 37,
    GetQueue = 38,
}

/// <summary>Flags of a netlink header. The meaning of a bit depends on whether the request gets or makes something.</summary>
[Flags]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1069", Justification = "The kernel gives a bit several names")]
internal enum NetlinkFlags : ushort
{
    None = 0,
    Request = 0x1,
    Acknowledge = 0x4,
    DumpInterrupted = 0x10,
    Dump = 0x300,
    Replace = 0x100,
    Exclusive = 0x200,
    HasAttributes = 0x200,
    Create = 0x400,
    Append = 0x800,
}

/// <summary>Attributes of links: IFLA_* of linux/if_link.h.</summary>
internal static class LinkAttribute
{
    public const ushort Mac = 1;
    public const ushort Name = 3;
    public const ushort Mtu = 4;
    public const ushort Parent = 5; // IFLA_LINK
    public const ushort Master = 10;
    public const ushort Info = 18;
    public const ushort Alias = 20;
    public const ushort Statistics = 23;
    public const ushort NamespaceDescriptor = 28;

    public const ushort InfoKind = 1;
    public const ushort InfoData = 2;

    public const ushort VethPeer = 1;

    public const ushort VlanId = 1;

    public const ushort VxlanId = 1;
    public const ushort VxlanLocal = 4;
    public const ushort VxlanLearning = 7;
    public const ushort VxlanPort = 15;
    public const ushort VxlanLocal6 = 17;
}

/// <summary>Attributes of neighbours and forwarding entries: NDA_* of linux/neighbour.h.</summary>
internal static class NeighbourAttribute
{
    public const ushort Destination = 1;
    public const ushort Mac = 2;
    public const ushort Port = 6;
    public const ushort Link = 8;
    public const ushort Master = 9;
}

/// <summary>Attributes of addresses: IFA_*, and of routes: RTA_*.</summary>
internal static class AddressAttribute
{
    public const ushort Address = 1;
    public const ushort Local = 2;
    public const ushort Broadcast = 4;
    public const ushort Flags = 8;
    public const ushort RoutePriority = 9;

    public const ushort RouteDestination = 1;
    public const ushort RouteSource = 2;
    public const ushort RouteLink = 4;
    public const ushort RouteGateway = 5;
    public const ushort RouteMetric = 6;
    public const ushort RoutePreferredSource = 7;
    public const ushort RouteMetrics = 8;
    public const ushort RouteMultipath = 9;
    public const ushort RouteTable = 15;
    public const ushort RouteVia = 18;
    public const ushort RoutePreference = 20;
    public const ushort RouteNextHop = 30;
}
