using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Lamina.Server.Auth;

/// <summary>By which names and addresses this host can be called.</summary>
internal static class ServerNames
{
    // More would make the handshake heavy; the first addresses are those of the host itself, guests' networks come later.
    private const int MostAddresses = 64;
    private const int MostAttempts = 10;

    /// <param name="extra">From the configuration: names of a load balancer, of NAT.</param>
    public static IReadOnlyList<string> Collect(IReadOnlyList<string> extra)
    {
        return Collect(Dns.GetHostName(), ReadAddresses(), extra);
    }

    /// <summary>.NET reads interfaces and addresses in several steps, and throws when a link comes or goes between them: guests' links do all the time.</summary>
    private static IReadOnlyList<IPAddress> ReadAddresses()
    {
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                return [.. NetworkInterface.GetAllNetworkInterfaces().SelectMany(face => face.GetIPProperties().UnicastAddresses).Select(unicast => unicast.Address)];
            }
            catch (Exception raced) when (attempt < MostAttempts && raced is ArgumentException or NetworkInformationException)
            {
                continue;
            }
        }
    }

    internal static IReadOnlyList<string> Collect(string hostName, IEnumerable<IPAddress> addresses, IReadOnlyList<string> extra)
    {
        // Link-local addresses need a scope, which a certificate cannot name.
        var usable = addresses
            .Where(address => address is { AddressFamily: AddressFamily.InterNetwork } or { AddressFamily: AddressFamily.InterNetworkV6, IsIPv6LinkLocal: false })
            .Select(address => address.ToString())
            .Take(MostAddresses);
        return [.. extra.Concat([hostName, "localhost", "127.0.0.1", "::1"]).Concat(usable).Where(IsName).Distinct(StringComparer.OrdinalIgnoreCase)];
    }

    private static bool IsName(string name) => Uri.CheckHostName(name) is UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6;
}
