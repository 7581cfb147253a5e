using System.CommandLine;

namespace Lamina.Cli.Networks;

/// <summary>The options that <c>network create</c> and <c>network set</c> have in common.</summary>
internal sealed class NetworkOptions
{
    public readonly Option<string?> Subnet = new("--subnet") { Description = "IPv4, for example 10.10.0.0/24 (default: a free one)", HelpName = "cidr" };
    public readonly Option<string?> Ipv6 = new("--ipv6") { Description = "auto, none, or a /64 of your own (default: auto)", HelpName = "auto|none|cidr" };
    public readonly Option<string?> DnsDomain = new("--dns-domain") { Description = "domain of its guests' names (default: lamina.internal)", HelpName = "domain" };
    public readonly Option<int?> Mtu = new("--mtu") { Description = "largest packet (default 1450; of a bridge: its card's)", HelpName = "bytes" };
    public readonly Option<string?> DhcpRange = new("--dhcp-range") { Description = "where new cards get their addresses, for example 10.10.0.100-10.10.0.199", HelpName = "first-last" };
    private readonly Option<bool> dhcp = new("--dhcp") { Description = "give addresses by DHCP (the default)" };
    private readonly Option<bool> noDhcp = new("--no-dhcp") { Description = "give no addresses by DHCP: guests are configured by cloud-init or by hand" };

    public IEnumerable<Symbol> All => [Subnet, Ipv6, DnsDomain, Mtu, DhcpRange, dhcp, noDhcp];

    /// <summary>Null: nothing was said.</summary>
    /// <exception cref="CliException">Both were said.</exception>
    public bool? WantsDhcp(Invocation invocation) => (invocation.Value(dhcp), invocation.Value(noDhcp)) switch
    {
        (true, true) => throw new CliException(ExitCode.Usage, "--dhcp and --no-dhcp exclude each other"),
        (true, _) => true,
        (_, true) => false,
        _ => null,
    };
}
