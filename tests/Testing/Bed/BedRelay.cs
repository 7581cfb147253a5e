using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace Lamina.Testing.Bed;

/// <summary>
/// A relay in the switch of a bed through which hosts' connections to each other can be led, and which then delays them, or loses what is said on them. Connections that were there before
/// go the direct way, unless they are broken: <see cref="LeadAsync"/>.
/// </summary>
internal sealed class BedRelay : IAsyncDisposable
{
    /// <summary>Host 1 is reached through the relay at this address plus 1.</summary>
    public const int FirstAlias = 100;

    /// <summary>Linux, linux/netfilter_ipv4.h: where the client wanted to go before it was redirected.</summary>
    private const int OriginalDestination = 80;

    private const int MostOnTheWay = 64;

    private readonly NetworkNamespace _network;
    private readonly Socket _listener;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<Socket, int> _open = new();
    private readonly Task _accepting;
    private long _delayMs;

    private BedRelay(NetworkNamespace network, Socket listener)
    {
        (_network, _listener) = (network, listener);
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>What a server says does not reach these hosts; what they say reaches it.</summary>
    public ConcurrentDictionary<int, bool> LosesAnswersTo { get; } = new();

    /// <summary>Each way.</summary>
    public TimeSpan Delay
    {
        get => TimeSpan.FromMilliseconds(Interlocked.Read(ref _delayMs));
        set => Interlocked.Exchange(ref _delayMs, (long)value.TotalMilliseconds);
    }

    /// <param name="network">The switch's.</param>
    public static async Task<BedRelay> StartAsync(NetworkNamespace network)
    {
        var listener = network.Run(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(IPAddress.Any, 0));
            socket.Listen();
            return socket;
        });
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        string aliases = $"{ClusterBed.Prefix}{FirstAlias + 1}-{ClusterBed.Prefix}{FirstAlias + ClusterBed.Most}";
        await network.RunAsync(() => BedLinks.LoadAsync($$"""
            table ip relay {
              chain redirected {
                type nat hook prerouting priority -100; policy accept;
                ip daddr {{aliases}} ip protocol tcp redirect to :{{port}}
              }
            }

            """));
        return new BedRelay(network, listener);
    }

    /// <summary>From now on the host's new connections to other hosts (and to its own address) go through the relay.</summary>
    /// <param name="host">Whose.</param>
    /// <param name="ports">To which ports; for example <c>7445</c> or <c>1-65535</c>.</param>
    /// <param name="breaks">Connections that go the direct way are broken when next they say something.</param>
    public static Task LeadAsync(BedHost host, string ports, bool breaks)
    {
        var hosts = Enumerable.Range(1, ClusterBed.Most);
        string map = string.Join(", ", hosts.Select(number => $"{ClusterBed.Prefix}{number} : {ClusterBed.Prefix}{FirstAlias + number}"));
        string direct = $"ip daddr {ClusterBed.Prefix}1-{ClusterBed.Prefix}{ClusterBed.Most} tcp dport {ports}";
        string broken = breaks ? $"{direct} reject with tcp reset" : "";
        return host.Network.RunAsync(() => BedLinks.LoadAsync($$"""
            table ip bed
            delete table ip bed
            table ip bed {
              chain led {
                type nat hook output priority -100; policy accept;
                {{direct}} dnat to ip daddr map { {{map}} }
              }
              chain broken {
                type filter hook output priority 0; policy accept;
                {{broken}}
              }
            }

            """));
    }

    /// <summary>New connections go the direct way again.</summary>
    public static Task LetGoAsync(BedHost host) => host.Network.RunAsync(() => BedLinks.LoadAsync("table ip bed\ndelete table ip bed\n"));

    /// <summary>Breaks the connections of a host that go through here.</summary>
    public void Break(int host)
    {
        foreach (var (socket, from) in _open)
            if (from == host) Close(socket);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        foreach (var socket in _open.Keys) Close(socket);
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = PassAsync(await _listener.AcceptAsync(_end.Token));
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The bed is given back.
        }
    }

    private async Task PassAsync(Socket client)
    {
        // A socket is of the network in which it was made, whoever uses it.
        var server = _network.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
        try
        {
            client.NoDelay = true;
            int from = ((IPEndPoint)client.RemoteEndPoint!).Address.GetAddressBytes()[3];
            _open[client] = _open[server] = from;
            await server.ConnectAsync(WantedBy(client), _end.Token);
            await Task.WhenAll(PumpAsync(client, server, () => false), PumpAsync(server, client, () => LosesAnswersTo.GetValueOrDefault(from)));
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException or ChannelClosedException)
        {
            // Nobody serves there, or it was broken.
        }
        finally
        {
            Close(client);
            Close(server);
        }
    }

    private static IPEndPoint WantedBy(Socket client)
    {
        byte[] address = new byte[16];
        client.GetRawSocketOption(0, OriginalDestination, address);
        return new IPEndPoint(new IPAddress([address[4], address[5], address[6], (byte)(address[7] - FirstAlias)]), BinaryPrimitives.ReadUInt16BigEndian(address.AsSpan(2)));
    }

    /// <summary>Ends when the last word of the one side is passed on; a fault closes both sides.</summary>
    private async Task PumpAsync(Socket from, Socket to, Func<bool> loses)
    {
        var way = Channel.CreateBounded<(byte[] Said, long Due)>(MostOnTheWay);
        await Task.WhenAll(HalfAsync(ReadAsync(from, way.Writer, loses)), HalfAsync(WriteAsync(way.Reader, to)));

        async Task HalfAsync(Task half)
        {
            try
            {
                await half;
            }
            catch
            {
                way.Writer.TryComplete();
                Close(from);
                Close(to);
                throw;
            }
        }
    }

    private async Task ReadAsync(Socket from, ChannelWriter<(byte[] Said, long Due)> way, Func<bool> loses)
    {
        byte[] buffer = new byte[64 << 10];
        while (await from.ReceiveAsync(buffer, _end.Token) is var count and > 0)
        {
            if (!loses()) await way.WriteAsync((buffer[..count], Environment.TickCount64 + Interlocked.Read(ref _delayMs)), _end.Token);
        }

        way.Complete();
    }

    private async Task WriteAsync(ChannelReader<(byte[] Said, long Due)> way, Socket to)
    {
        await foreach (var (said, due) in way.ReadAllAsync(_end.Token))
        {
            long rest = due - Environment.TickCount64;
            if (rest > 0) await Task.Delay(TimeSpan.FromMilliseconds(rest), _end.Token);
            for (int sent = 0; sent < said.Length;) sent += await to.SendAsync(said.AsMemory(sent), _end.Token);
        }

        to.Shutdown(SocketShutdown.Send);
    }

    private void Close(Socket socket)
    {
        _open.TryRemove(socket, out _);
        socket.Dispose();
    }
}
