using System.Globalization;
using System.Text;
using Lamina.Linux.Processes;

namespace Lamina.Testing.Bed;

/// <summary>What is wrong with the line of a host.</summary>
internal sealed record BedLine
{
    public static BedLine Whole { get; } = new();

    /// <summary>Nothing passes to or from another host.</summary>
    public bool IsCut { get; init; }

    /// <summary>Of the frames from and to other hosts, each way.</summary>
    public int LossPercent { get; init; }
}

/// <summary>
/// The lines between the hosts of a bed, which break by packet filters of the switch between them. What guests tell the test goes to the switch itself and is never lost, so that one that
/// runs on behind a cut is heard. The kernel has no netem: who wants delay has <see cref="BedRelay"/>.
/// </summary>
internal sealed class BedLinks(NetworkNamespace network)
{
    private readonly SortedDictionary<int, BedLine> _lines = [];

    public Task SetAsync(int host, BedLine line)
    {
        _lines[host] = line;
        return network.RunAsync(() => LoadAsync(Text()));
    }

    /// <summary>Loads rules into the network of the caller's thread.</summary>
    public static async Task LoadAsync(string rules)
    {
        var command = new CommandSpec { Program = "nft", Arguments = ["-f", "-"], Input = Encoding.UTF8.GetBytes(rules), Timeout = TimeSpan.FromSeconds(30) };
        (await Command.RunAsync(command, CancellationToken.None)).EnsureSuccess();
    }

    private string Text()
    {
        var forward = new StringBuilder();
        var own = new StringBuilder();
        foreach (var (host, line) in _lines)
        {
            string port = $"\"{ClusterBed.PortOf(host)}\"";
            if (line.IsCut)
            {
                forward.Append(CultureInfo.InvariantCulture, $"iifname {port} drop\noifname {port} drop\n");
                // Connections that the relay passes on end in the switch.
                own.Append(CultureInfo.InvariantCulture, $"iifname {port} ip protocol tcp drop\n");
            }

            if (line.LossPercent > 0)
                forward.Append(CultureInfo.InvariantCulture, $"iifname {port} numgen random mod 100 < {line.LossPercent} drop\noifname {port} numgen random mod 100 < {line.LossPercent} drop\n");
        }

        return $$"""
            table bridge faults
            delete table bridge faults
            table bridge faults {
              chain forward {
                type filter hook forward priority 0; policy accept;
                {{forward}}
              }
              chain input {
                type filter hook input priority 0; policy accept;
                {{own}}
              }
            }

            """;
    }
}
