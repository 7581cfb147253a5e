using System.Net;
using System.Net.Sockets;

namespace Lamina.Testing.Store;

/// <summary>Passes bytes between a client and a server, and can lose those of one direction, or begin late. It listens at the server's address when that is of the loopback, so that the server's certificate names it.</summary>
internal sealed class LossyRelay : IAsyncDisposable
{
    private readonly TcpListener _listener;
    private readonly string _scheme;
    private readonly IPEndPoint _server;
    private readonly Func<Socket> _newSocket;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _gate = new();
    private readonly List<TcpClient> _clients = [];
    private readonly Task _accepting;

    /// <param name="server">For example <c>http://127.1.2.3:2379</c>.</param>
    /// <param name="newSocket">Makes the sockets to the server: of which network they are is decided there. Null: this one.</param>
    public LossyRelay(string server, Func<Socket>? newSocket = null)
    {
        _newSocket = newSocket ?? (() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        var uri = new Uri(server);
        _scheme = uri.Scheme;
        _server = new IPEndPoint(IPAddress.Parse(uri.Host), uri.Port);
        _listener = new TcpListener(IPAddress.IsLoopback(_server.Address) ? _server.Address : IPAddress.Loopback, 0);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Endpoint => $"{_scheme}://{_listener.LocalEndpoint}";

    /// <summary>A connection that was accepted is not served before this.</summary>
    public TimeSpan Hesitation { get; init; }

    /// <summary>What the server says does not arrive.</summary>
    public volatile bool LosesAnswers;

    /// <summary>What the client says does not arrive.</summary>
    public volatile bool HoldsRequests;

    /// <summary>Breaks all connections: the next call makes a new one.</summary>
    public void Cut()
    {
        lock (_gate)
        {
            foreach (var client in _clients) client.Dispose();
            _clients.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        Cut();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                var server = new TcpClient { Client = _newSocket() };
                lock (_gate) _clients.AddRange([client, server]);
                if (!await ConnectAsync(server))
                {
                    client.Dispose();
                    continue;
                }

                _ = ServeAsync(client.GetStream(), server.GetStream());
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    /// <summary>False: nobody serves there now.</summary>
    private async Task<bool> ConnectAsync(TcpClient server)
    {
        try
        {
            await server.ConnectAsync(_server, _stop.Token);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task ServeAsync(NetworkStream client, NetworkStream server)
    {
        await Task.Delay(Hesitation, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(PassAsync(client, server, () => HoldsRequests), PassAsync(server, client, () => LosesAnswers));
    }

    private async Task PassAsync(NetworkStream from, NetworkStream to, Func<bool> loses)
    {
        byte[] buffer = new byte[16 * 1024];
        try
        {
            while (await from.ReadAsync(buffer, _stop.Token) is var count and > 0)
            {
                if (!loses()) await to.WriteAsync(buffer.AsMemory(0, count), _stop.Token);
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // Cut.
        }
    }
}
