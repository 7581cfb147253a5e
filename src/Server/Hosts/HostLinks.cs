using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Lamina.Api;

namespace Lamina.Server.Hosts;

/// <summary>The addresses of this machine, and how fast its links are.</summary>
internal static class HostLinks
{
    /// <summary>More than that is no machine's; the record stays small.</summary>
    private const int Most = 64;

    /// <summary>The product's own links begin so (decision 18): they come and go with networks.</summary>
    private const string OwnPrefix = "lm";
    private const long BitsPerMegabit = 1_000_000;

    public static IReadOnlyList<HostLink> Read()
    {
        try
        {
            return
            [
                .. NetworkInterface.GetAllNetworkInterfaces()
                    .Where(face => face.OperationalStatus is OperationalStatus.Up or OperationalStatus.Unknown && !face.Name.StartsWith(OwnPrefix, StringComparison.Ordinal))
                    .SelectMany(LinksOf).OrderBy(link => link.Address, StringComparer.Ordinal).Take(Most),
            ];
        }
        catch (NetworkInformationException)
        {
            return [];
        }
    }

    private static IEnumerable<HostLink> LinksOf(NetworkInterface face)
    {
        // -1: the link does not say, as loopback and bridges without ports.
        long? megabits = face.Speed >= BitsPerMegabit && face.NetworkInterfaceType != NetworkInterfaceType.Loopback ? face.Speed / BitsPerMegabit : null;
        foreach (var unicast in face.GetIPProperties().UnicastAddresses.Where(unicast => IsStable(unicast.Address)))
            yield return new HostLink { Address = unicast.Address.ToString(), Megabits = megabits };
    }

    private static bool IsStable(IPAddress address) => address.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6 && !address.IsIPv6LinkLocal;
}
