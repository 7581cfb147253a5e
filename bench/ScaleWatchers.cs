using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Lamina.Bench;

/// <summary>Clients that follow all VMs over <c>/v1/watch</c>, each by a connection of its own, and note when each change arrives.</summary>
internal sealed class ScaleWatchers(string socket) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, ConnectCallback = (_, token) => ConnectAsync(socket, token) })
    {
        BaseAddress = new Uri("http://lamina"),
        Timeout = Timeout.InfiniteTimeSpan,
    };

    private readonly ConcurrentDictionary<string, ConcurrentQueue<(int Watcher, long Revision, long At)>> _arrivals = new();

    /// <summary>Over the same socket.</summary>
    public HttpClient Http => _http;

    /// <summary>Starts to follow.</summary>
    /// <returns>Completes when every object of the beginning has come to all of them; and the watching itself, which ends by cancellation.</returns>
    public (Task Synced, Task Watching) Watch(int count, CancellationToken cancellationToken)
    {
        var synced = Enumerable.Range(0, count).Select(_ => new TaskCompletionSource()).ToArray();
        var watching = synced.Select((source, index) => WatchAsync(index, source, cancellationToken)).ToArray();
        return (Task.WhenAll(synced.Select(source => source.Task)), Task.WhenAll(watching));
    }

    /// <summary>From the begin of the commit to each watcher's sight of that state or a later one. Every watcher must have seen every change.</summary>
    /// <exception cref="InvalidOperationException">A change did not come.</exception>
    public IReadOnlyList<double> Delays(IEnumerable<(string Vm, long Revision, long Begun)> commits, int watchers)
    {
        var delays = new List<double>();
        foreach (var (vm, revision, begun) in commits)
        {
            var seen = _arrivals.GetValueOrDefault(vm) is { } arrivals
                ? arrivals.Where(arrival => arrival.Revision >= revision).GroupBy(arrival => arrival.Watcher).Select(group => group.Min(arrival => arrival.At)).ToArray()
                : [];
            if (seen.Length < watchers) throw new InvalidOperationException($"Of {watchers} watchers {seen.Length} have seen the change of {vm} at revision {revision}.");
            delays.AddRange(seen.Select(at => TimeProvider.System.GetElapsedTime(begun, at).TotalMilliseconds));
        }

        return delays;
    }

    public void Dispose() => _http.Dispose();

    private async Task WatchAsync(int watcher, TaskCompletionSource synced, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _http.GetAsync("/v1/watch?kinds=vms", HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            response.EnsureSuccessStatusCode();
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken), Encoding.UTF8);
            while (await reader.ReadLineAsync(cancellationToken) is { } line)
            {
                if (line.StartsWith("data: {\"action\":\"put\"", StringComparison.Ordinal)) Note(watcher, line);
                else if (line.StartsWith("data: {\"action\":\"synced\"", StringComparison.Ordinal)) synced.TrySetResult();
                else if (line.StartsWith("data: {\"action\":\"resync\"", StringComparison.Ordinal)) throw new InvalidOperationException("A watcher was too slow, and was told to begin anew.");
            }

            throw new InvalidOperationException("The daemon has ended a watch.");
        }
        catch (Exception failure)
        {
            synced.TrySetException(failure);
            throw;
        }
    }

    private void Note(int watcher, string line)
    {
        long revision = long.Parse(Value(line, "\"revision\":\"").Split('-')[^1], CultureInfo.InvariantCulture);
        _arrivals.GetOrAdd(Value(line, "\"id\":\"").ToString(), _ => new()).Enqueue((watcher, revision, TimeProvider.System.GetTimestamp()));
    }

    private static string Value(string line, string name)
    {
        int start = line.IndexOf(name, StringComparison.Ordinal) + name.Length;
        return line[start..line.IndexOf('"', start)];
    }

    private static async ValueTask<Stream> ConnectAsync(string socket, CancellationToken cancellationToken)
    {
        var connection = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await connection.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellationToken);
            return new NetworkStream(connection, ownsSocket: true);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }
}
