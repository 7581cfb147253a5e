using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Lamina.Server.Cluster;

/// <summary>By which address a host is a member.</summary>
internal static class HostAddressRules
{
    /// <summary>Addresses of this machine that another one could reach; those of guests' networks are left out.</summary>
    /// <param name="isOwnLink">Whether a link, by its name, was made by Lamina.</param>
    public static IReadOnlyList<string> Reachable(Func<string, bool> isOwnLink) =>
    [
        .. NetworkInterface.GetAllNetworkInterfaces()
            .Where(face => face.OperationalStatus == OperationalStatus.Up && face.NetworkInterfaceType != NetworkInterfaceType.Loopback && !isOwnLink(face.Name))
            .SelectMany(face => face.GetIPProperties().UnicastAddresses)
            .Select(unicast => unicast.Address)
            .Where(address => address.AddressFamily == AddressFamily.InterNetwork || address is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv6LinkLocal: false })
            .Select(address => address.ToString()),
    ];

    /// <summary>The same, without the links that Lamina makes.</summary>
    public static IReadOnlyList<string> Own() => Reachable(name => name.StartsWith("lm", StringComparison.Ordinal));

    /// <summary>The address to use (pure).</summary>
    /// <param name="wanted">As asked for; null: the only one.</param>
    /// <param name="own">This machine's.</param>
    /// <exception cref="ProblemException">It is not ours, or there is not exactly one.</exception>
    public static string Choose(string? wanted, IReadOnlyList<string> own)
    {
        if (wanted is not null)
        {
            if (IPAddress.TryParse(wanted, out var parsed) && own.Contains(parsed.ToString())) return parsed.ToString();
            throw Refuse($"'{wanted}' is no address of this host that others could reach.", own);
        }

        var first = own.Where(address => !address.Contains(':', StringComparison.Ordinal)).ToArray();
        if (first.Length == 1) return first[0];
        return own is [var only] ? only : throw Refuse(own.Count == 0 ? "This host has no address that others could reach." : "This host has several addresses.", own);
    }

    private static ProblemException Refuse(string message, IReadOnlyList<string> own) => new(
        ProblemKind.Unprocessable, "cluster.address", message, own.Count == 0 ? "Give it one, then try again." : $"Name the one by which the other hosts reach it: --address, one of {string.Join(", ", own)}");
}
