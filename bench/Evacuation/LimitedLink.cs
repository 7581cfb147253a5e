using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Lamina.Linux.Processes;
using Lamina.Testing.Bed;

namespace Lamina.Bench.Evacuation;

/// <summary>A host's card that sends so much a second at most, by the kernel's token bucket (tc-tbf(8)), and what it has sent. It goes with the host's network.</summary>
internal sealed class LimitedLink
{
    private readonly BedHost _host;
    private long _begun;

    [SuppressMessage("Usage", "VSTHRD002", Justification = "tc ends at once, and a constructor cannot await.")]
    public LimitedLink(BedHost host, int megabits)
    {
        _host = host;
        // The queue is short, so that the store's answers are not held up for long.
        using var shaping = host.Network.Run(() => ChildProcess.Spawn(new ChildSpec
        {
            Program = "tc",
            Arguments = ["qdisc", "add", "dev", BedHost.Link, "root", "tbf", "rate", $"{megabits}mbit", "burst", "128kb", "latency", "30ms"],
            StandardError = ChildOutput.Tail(2000),
        }));
        if (!shaping.WaitForExitAsync(CancellationToken.None).GetAwaiter().GetResult().Succeeded)
            throw new InvalidOperationException($"the link of {host.Name} cannot be limited: {System.Text.Encoding.UTF8.GetString(shaping.StandardError)}");
    }

    public void Begin() => _begun = Sent();

    /// <summary>Bytes since <see cref="Begin"/>, with all headers.</summary>
    public long End() => Sent() - _begun;

    // "  eth0: bytes packets errs drop fifo frame compressed multicast bytes packets …": received, then sent (proc_net_dev).
    private long Sent() => _host.Network.Run(() =>
    {
        string line = File.ReadLines("/proc/thread-self/net/dev").First(line => line.TrimStart().StartsWith($"{BedHost.Link}:", StringComparison.Ordinal));
        return long.Parse(line.Split(':')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries)[8], CultureInfo.InvariantCulture);
    });
}
