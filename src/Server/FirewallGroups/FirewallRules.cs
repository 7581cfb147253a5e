using System.Globalization;
using System.Net;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.FirewallGroups;

/// <summary>What a rule of a group may be (pure).</summary>
internal static class FirewallRules
{
    public const int MostRules = 200;
    public const int MostPorts = 15;
    public const int LongestNotes = 200;

    /// <summary>The rule as it is recorded, or what is wrong with it.</summary>
    /// <param name="asked">As asked for.</param>
    /// <param name="id">Its number.</param>
    /// <param name="path">JSON path of the rule.</param>
    /// <param name="snapshot">Where its peer is looked up.</param>
    /// <param name="project">Of the group.</param>
    /// <param name="problems">Gets every problem.</param>
    public static FirewallRule Resolve(FirewallRuleCreate asked, int id, string path, CacheSnapshot snapshot, string project, InputProblems problems)
    {
        var protocol = asked.Protocol ?? FirewallProtocol.Any;
        if (asked.Notes?.Length > LongestNotes) problems.Add(path + ".notes", "value.long", $"Use at most {LongestNotes} characters.");
        return new()
        {
            Id = id,
            Direction = asked.Direction,
            Action = asked.Action ?? FirewallAction.Accept,
            Protocol = protocol,
            Ports = Ports(asked.Ports ?? [], protocol, path + ".ports", problems),
            Peer = asked.Peer is { } peer ? Peer(peer, protocol, path + ".peer", snapshot, project, problems) : null,
            Notes = asked.Notes,
        };
    }

    private static IReadOnlyList<string> Ports(IReadOnlyList<string> asked, FirewallProtocol protocol, string path, InputProblems problems)
    {
        if (asked.Count > 0 && protocol is not (FirewallProtocol.Tcp or FirewallProtocol.Udp))
            problems.Add(path, "firewall.portsWithoutProtocol", "Only TCP and UDP have ports: name the protocol, or leave the ports out.");
        if (asked.Count > MostPorts) problems.Add(path, "firewall.tooManyPorts", $"A rule has at most {MostPorts} ports and ranges; these are {asked.Count}.");
        var ranges = new List<(int First, int Last)>();
        for (int index = 0; index < Math.Min(asked.Count, MostPorts); index++)
        {
            if (Range(asked[index]) is not { } range)
                problems.Add($"{path}[{index}]", "firewall.port", $"'{Suggestions.Shorten(asked[index])}' is neither a port nor a range: write 443 or 8000-8100, between 1 and 65535.");
            else if (ranges.Any(other => other.First <= range.Last && range.First <= other.Last))
                problems.Add($"{path}[{index}]", "firewall.portTwice", $"{asked[index]} is within another one of this rule: leave it out.");
            else ranges.Add(range);
        }

        return [.. ranges.Order().Select(range => range.First == range.Last ? Text(range.First) : $"{Text(range.First)}-{Text(range.Last)}")];
    }

    private static (int First, int Last)? Range(string text)
    {
        string[] ends = text.Split('-');
        return ends.Length <= 2 && Port(ends[0]) is { } first && Port(ends[^1]) is { } last && first <= last ? (first, last) : null;
    }

    private static int? Port(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is >= 1 and <= ushort.MaxValue ? port : null;

    private static string Text(int port) => port.ToString(CultureInfo.InvariantCulture);

    private static FirewallPeer? Peer(FirewallPeer asked, FirewallProtocol protocol, string path, CacheSnapshot snapshot, string project, InputProblems problems)
    {
        if (new[] { asked.Cidr, asked.Group, asked.Network }.Count(member => member is not null) != 1)
        {
            problems.Add(path, "firewall.peer", "Name one of cidr, group and network.");
            return null;
        }

        if (asked.Cidr is { } cidr) return Cidr(cidr, path + ".cidr", problems) is { } normal ? new FirewallPeer { Cidr = normal } : null;
        if (asked.Group is { } group)
        {
            if (FindGroup(snapshot, project, group) is { } found) return new FirewallPeer { Group = found.Id };
            problems.Add(path + ".group", "firewallGroup.notFound", $"There is no firewall group '{Suggestions.Shorten(group)}': 'lamina firewall group list' shows those there are.");
            return null;
        }

        var network = snapshot.TryFind(Keys.Networks.Spec, "network", project, asked.Network!)
            ?? snapshot.TryFind(Keys.Networks.Spec, "network", ProjectRecord.DefaultProject, asked.Network!);
        if (network is null) problems.Add(path + ".network", "network.notFound", $"There is no network '{Suggestions.Shorten(asked.Network!)}': 'lamina network list' shows those there are.");
        else if (network.Record.Subnet is null) problems.Add(path + ".network", "firewall.networkWithoutSubnet", $"Network '{network.Record.Name}' is a bridge, whose addresses nobody here knows: name the LAN's subnet in CIDR form.");
        return network is null ? null : new FirewallPeer { Network = network.Id };
    }

    /// <summary>CIDR form, or a single address; host bits are cut, as everybody means it.</summary>
    private static string? Cidr(string text, string path, InputProblems problems)
    {
        string[] parts = text.Split('/');
        if (parts.Length <= 2 && !text.Contains('%', StringComparison.Ordinal) && IsAddress(parts[0]) && IPAddress.TryParse(parts[0], out var address))
        {
            int most = address.GetAddressBytes().Length * 8;
            int length = most;
            if (parts.Length == 1 || (int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out length) && length <= most)) return $"{Masked(address, length)}/{length}";
        }

        problems.Add(path, "firewall.cidr", $"'{Suggestions.Shorten(text)}' is no address in CIDR form: 203.0.113.0/24, 0.0.0.0/0 or fd00::/8 would be some.");
        return null;
    }

    /// <summary>.NET also takes 10.1 and 0x7f000001, which nobody means here.</summary>
    private static bool IsAddress(string text) => text.Contains(':', StringComparison.Ordinal) || (text.Split('.') is { Length: 4 } parts && parts.All(part => part.Length is > 0 and <= 3 && part.All(char.IsAsciiDigit) && (part.Length == 1 || part[0] != '0')));

    private static IPAddress Masked(IPAddress address, int length)
    {
        byte[] bytes = address.GetAddressBytes();
        for (int index = 0; index < bytes.Length; index++) bytes[index] &= (byte)(0xff << (8 - Math.Clamp(length - (index * 8), 0, 8)));
        return new IPAddress(bytes);
    }

    /// <summary>Groups of the default project serve every project.</summary>
    public static CachedRecord<FirewallGroupSpec>? FindGroup(CacheSnapshot snapshot, string project, string nameOrId) =>
        snapshot.TryFind(Keys.FirewallGroups, FirewallGroupEndpoints.Noun, project, nameOrId)
        ?? snapshot.TryFind(Keys.FirewallGroups, FirewallGroupEndpoints.Noun, ProjectRecord.DefaultProject, nameOrId);
}
