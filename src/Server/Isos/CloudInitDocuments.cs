namespace Lamina.Server.Isos;

/// <summary>The four files of a NoCloud seed. Source: cloud-init's documentation, "NoCloud" data source.</summary>
internal sealed record CloudInitDocuments(string UserData, string MetaData, string NetworkConfig, string VendorData);

/// <summary>One network card as the seed describes it.</summary>
/// <param name="Mac">By which the guest finds its card.</param>
/// <param name="Address">Static IPv4 with its prefix length (<c>192.168.200.10/24</c>); null: DHCP.</param>
/// <param name="Gateway">Only with a static address.</param>
internal sealed record CloudInitNic(string Mac, string? Address = null, string? Gateway = null, IReadOnlyList<string>? NameServers = null)
{
    /// <summary>Its network gives IPv6 addresses by DHCP, too.</summary>
    public bool AsksIpv6 { get; init; }

    /// <summary>In CIDR form, beside <see cref="Address"/>.</summary>
    public string? Ipv6Address { get; init; }
}
