namespace Lamina.Api;

/// <summary>Body of <c>POST /v1/networks</c>. Only <see cref="Name"/> is needed: a NAT network with a free subnet.</summary>
public sealed record NetworkCreate
{
    public required string Name { get; init; }
    public string? Project { get; init; }

    /// <summary>Null: <see cref="NetworkKind.Bridge"/> when <see cref="Bridge"/> names a device, else <see cref="NetworkKind.Nat"/>.</summary>
    public NetworkKind? Kind { get; init; }

    /// <summary>IPv4 in CIDR form, prefix 8 to 29.</summary>
    public string? Subnet { get; init; }

    /// <summary><c>auto</c> (the default: a private /64 of its own), <c>none</c>, or a /64 in CIDR form.</summary>
    public string? Ipv6 { get; init; }
    public string? DnsDomain { get; init; }
    public int? Mtu { get; init; }
    public bool? Dhcp { get; init; }
    public string? DhcpRange { get; init; }

    /// <summary>The host's card or Linux bridge.</summary>
    public string? Bridge { get; init; }

    /// <summary>The tag of its frames on the card or bridge, 1 to 4094; null: they have none.</summary>
    public int? Vlan { get; init; }
    public int? ConfirmSeconds { get; init; }
}

/// <summary>Body of <c>PATCH /v1/networks/{network}</c> (RFC 7396; null takes a member back to its default).</summary>
public sealed record NetworkUpdate
{
    public string? Name { get; init; }

    /// <summary>Only while no card is plugged in.</summary>
    public string? Subnet { get; init; }

    /// <summary>As in <see cref="NetworkCreate.Ipv6"/>, but null is none.</summary>
    public string? Ipv6 { get; init; }
    public string? DnsDomain { get; init; }
    public int? Mtu { get; init; }
    public bool? Dhcp { get; init; }
    public string? DhcpRange { get; init; }

    /// <summary>Another tag, of a network that has one.</summary>
    public int? Vlan { get; init; }
    public int? ConfirmSeconds { get; init; }
}

/// <summary>Body of <c>POST /v1/networks/{network}/forwards</c>.</summary>
public sealed record ForwardCreate
{
    /// <summary>The VM, by name or id.</summary>
    public required string Vm { get; init; }

    /// <summary>The first port on the host.</summary>
    public required int Port { get; init; }

    /// <summary>How many ports in a row; null: one.</summary>
    public int? Count { get; init; }

    /// <summary>The first port in the VM; null: as on the host.</summary>
    public int? VmPort { get; init; }
    public ForwardProtocol? Protocol { get; init; }
    public string? Address { get; init; }
    public string? Source { get; init; }
}

/// <summary>Who has an address in a network: an entry of <c>GET /v1/networks/{network}/addresses</c>.</summary>
public sealed record NetworkAddress
{
    /// <summary>IPv4; null: a card in a LAN, which gives addresses itself.</summary>
    public string? Address { get; init; }
    public string? Ipv6Address { get; init; }
    public required string Mac { get; init; }

    /// <summary>Id of the VM.</summary>
    public required string Vm { get; init; }
    public required string VmName { get; init; }

    /// <summary>The card's slot in the VM.</summary>
    public required int Slot { get; init; }

    /// <summary>As DNS knows it; null: another card bears the VM's name.</summary>
    public string? DnsName { get; init; }
}
