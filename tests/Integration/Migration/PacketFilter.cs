using System.Globalization;
using System.Text.RegularExpressions;
using Lamina.Linux.Processes;
using Lamina.Server;

namespace Lamina.Tests.Integration.Migration;

/// <summary>Packets that a host does not receive at, or send from, the ports to which guests come; it ends when this is disposed of.</summary>
internal sealed partial class PacketFilter : IAsyncDisposable
{
    private const int FirstPort = 7, Ports = 100;

    private readonly string _table;

    private PacketFilter(string table) => _table = table;

    /// <param name="name">Of the filter.</param>
    /// <param name="host">Whose ports.</param>
    /// <param name="rules">What is dropped, of a range of ports.</param>
    public static async Task<PacketFilter> PutAsync(string name, Instance host, Func<string, IEnumerable<string>> rules)
    {
        string table = $"lamina_test_{host.Number}_{name}";
        int first = host.ApiPort + FirstPort;
        string added = string.Concat(rules($"{first}-{first + Ports - 1}").Select(rule => $"; add rule inet {table} in {rule[..^"drop".Length]}counter drop"));
        await NftAsync($"add table inet {table}; add chain inet {table} in {{ type filter hook input priority -300; }}{added}");
        return new PacketFilter(table);
    }

    /// <summary>How many packets it has dropped.</summary>
    public async Task<long> CountAsync() =>
        Counters().Matches(await NftAsync($"list table inet {_table}")).Sum(found => long.Parse(found.Groups[1].ValueSpan, CultureInfo.InvariantCulture));

    public async ValueTask DisposeAsync() => await NftAsync($"delete table inet {_table}");

    private static async Task<string> NftAsync(string rules)
    {
        var done = await Command.RunAsync(new CommandSpec { Program = "nft", Arguments = [rules], Timeout = TimeSpan.FromSeconds(10) }, CancellationToken.None);
        return done.EnsureSuccess().OutputText;
    }

    [GeneratedRegex(@"counter packets (\d+)")]
    private static partial Regex Counters();
}
