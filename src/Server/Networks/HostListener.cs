using System.Globalization;
using System.Net;
using Lamina.Api;

namespace Lamina.Server.Networks;

/// <summary>A port on which some program of this host waits.</summary>
internal sealed record HostListener(ForwardProtocol Protocol, IPAddress Address, int Port)
{
    private const string ListeningTcp = "0A";
    private const string UnconnectedUdp = "07";

    /// <summary>Those of the network namespace of the calling thread (proc_pid_net(5)).</summary>
    public static IReadOnlyList<HostListener> Read() =>
    [
        .. Read("tcp", ForwardProtocol.Tcp, ListeningTcp), .. Read("tcp6", ForwardProtocol.Tcp, ListeningTcp),
        .. Read("udp", ForwardProtocol.Udp, UnconnectedUdp), .. Read("udp6", ForwardProtocol.Udp, UnconnectedUdp),
    ];

    /// <summary>Lines of such a file: a number, <c>0100007F:1F90</c> for 127.0.0.1:8080, the other end, the state; 32-bit words in the order of the machine.</summary>
    public static IEnumerable<HostListener> Parse(IEnumerable<string> lines, ForwardProtocol protocol, string state) => lines
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Where(words => words.Length > 3 && words[3] == state && words[1].Contains(':', StringComparison.Ordinal))
        .Select(words => words[1].Split(':'))
        .Select(ends => new HostListener(protocol, ParseAddress(ends[0]), int.Parse(ends[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture)));

    /// <summary>A connection that the forward would take might have been for this one.</summary>
    public bool ClashesWith(NetworkForward forward) =>
        Protocol == forward.Protocol && Port >= forward.Port && Port < forward.Port + forward.Count && !IPAddress.IsLoopback(Unmapped)
        && (forward.Address is null || Unmapped.Equals(IPAddress.Any) || Address.Equals(IPAddress.IPv6Any) || Unmapped.Equals(IPAddress.Parse(forward.Address)));

    private IPAddress Unmapped => Address.IsIPv4MappedToIPv6 ? Address.MapToIPv4() : Address;

    private static IEnumerable<HostListener> Read(string file, ForwardProtocol protocol, string state)
    {
        var path = $"/proc/thread-self/net/{file}";
        return File.Exists(path) ? Parse(File.ReadAllLines(path).Skip(1), protocol, state) : [];
    }

    private static IPAddress ParseAddress(string text)
    {
        var bytes = Convert.FromHexString(text);
        for (var word = 0; word < bytes.Length; word += 4) Array.Reverse(bytes, word, 4);
        return new(bytes);
    }
}
