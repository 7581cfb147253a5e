namespace Lamina.Linux.Network;

/// <summary>The addresses and routes of a link as the kernel told them: to be set on another link, or to be restored.</summary>
public sealed record LinkAddressing
{
    public IReadOnlyList<SavedAddress> Addresses { get; set; } = [];

    public IReadOnlyList<SavedRoute> Routes { get; set; } = [];
}

/// <summary>An address of a link, complete.</summary>
public sealed record SavedAddress
{
    /// <summary>In CIDR form, for people.</summary>
    public required string Text { get; init; }

    public bool IsIPv6 { get; init; }

    /// <summary>Given for a time only: by a DHCP client, or made by the kernel from a router's advertisement.</summary>
    public bool IsDynamic { get; init; }

    /// <summary>struct ifaddrmsg and its attributes, without what belongs to the link.</summary>
    public required byte[] Message { get; init; }
}

/// <summary>A route by a link, complete: of any table, with its metrics.</summary>
public sealed record SavedRoute
{
    /// <summary><c>default via 192.0.2.1 metric 100</c>, for people.</summary>
    public required string Text { get; init; }

    /// <summary>It leads over several links, or by a next-hop object: not by this link alone.</summary>
    public bool IsShared { get; init; }

    /// <summary>struct rtmsg and its attributes, without what belongs to the link.</summary>
    public required byte[] Message { get; init; }
}
