using System.Net;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Server.Control;

namespace Lamina.Server.Migration;

/// <summary>Which way a running guest takes (pure): where to, over how many connections, how fast at most.</summary>
/// <param name="Address">The target's, in the network for migrations; null: the one that it has in its cluster.</param>
/// <param name="Streams">Connections for its memory.</param>
/// <param name="MaxBytesPerSecond">Null: as much as the link carries.</param>
internal sealed record MigrationRoute(string? Address, int Streams, long? MaxBytesPerSecond)
{
    /// <summary>A daemon that does not tell its links does not choose either: it sends over so many.</summary>
    private const int FormerStreams = 2;

    /// <summary>What one connection carries, encrypted, on one core of a usual server.</summary>
    private const int MegabitsPerStream = 5_000;
    private const int MostStreams = 8;
    private const int BitsPerByte = 8;
    private const int BitsPerMegabit = 1_000_000;

    /// <summary>What holds for all migrations.</summary>
    public static MigrationSettings SettingsIn(CacheSnapshot snapshot) => snapshot.Get(Keys.MigrationSettings, "")?.Record ?? new MigrationSettings();

    public static MigrationRoute Choose(CacheSnapshot snapshot, string? from, MigrationRequest request)
    {
        var settings = SettingsIn(snapshot);
        long? most = request.MaxBytesPerSecond ?? settings.MaxBytesPerSecond;
        var source = from is null ? null : snapshot.Get(Keys.Hosts.Status, from)?.Record;
        var target = snapshot.Get(Keys.Hosts.Status, request.To)?.Record;
        string? address = AddressIn(settings.Network, target);
        if (source is null or { Links.Count: 0 } || target is null or { Links.Count: 0 }) return new MigrationRoute(address, request.AllowPostCopy ? 1 : FormerStreams, most);
        address ??= snapshot.Get(Keys.Hosts.Spec, request.To)?.Record.Addresses?.Migration is { } own && target.Links.Any(link => link.Address == own) ? own : null;
        var link = new Link(SpeedOf(target, address), SpeedOf(source, AddressIn(settings.Network, source)), most, Math.Min(source.Cores, target.Cores));
        bool takesMany = !request.AllowPostCopy || new[] { source, target }.All(host => MigrationRules.Problem(new MigrationTransport { Streams = MostStreams, PostCopy = true }, host.QemuVersion ?? "") is null);
        return new MigrationRoute(settings.Network is null ? null : address, takesMany ? StreamsFor(link) : 1, most);
    }

    /// <summary>The host's address in a network; null: it has none, or none is asked for.</summary>
    public static string? AddressIn(string? network, HostStatus? host) => network is null || host is null || !IPNetwork.TryParse(network, out var range) ? null
        : host.Links.FirstOrDefault(link => IPAddress.TryParse(link.Address, out var address) && range.Contains(address))?.Address;

    /// <summary>As many as fill the slower of what is known; two where nothing is.</summary>
    internal static int StreamsFor(Link link)
    {
        long? cap = link.MaxBytesPerSecond * BitsPerByte / BitsPerMegabit;
        long? slowest = new[] { link.To, link.From, cap }.Min();
        long wanted = slowest is { } megabits ? (megabits + MegabitsPerStream - 1) / MegabitsPerStream : FormerStreams;
        return (int)Math.Clamp(wanted, 1, Math.Clamp(link.Cores, 1, MostStreams));
    }

    private static long? SpeedOf(HostStatus host, string? address) => host.Links.FirstOrDefault(link => link.Address == address)?.Megabits;

    /// <summary>What is known of the way: 10⁶ bits a second at either end, the bound, and the cores of the host with fewer.</summary>
    internal readonly record struct Link(long? To, long? From, long? MaxBytesPerSecond, int Cores);
}
