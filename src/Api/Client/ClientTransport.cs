using System.Net.Sockets;

namespace Lamina.Api.Client;

/// <summary>The line to the daemon: the local socket, or TLS to a server whose CA is pinned.</summary>
internal static class ClientTransport
{
    /// <summary>The address that requests are made to; on the local socket the host name is only a label.</summary>
    public static Uri BaseAddress(LaminaClientOptions options) => options switch
    {
        { SocketPath: not null, Address: null } => new Uri("http://localhost"),
        { SocketPath: null, Address: { Scheme: "https" } address } => address,
        { SocketPath: null, Address: { } address } => throw new ArgumentException($"'{address}' is no https:// address.", nameof(options)),
        _ => throw new ArgumentException("Name either the local socket or an address.", nameof(options)),
    };

    public static string Describe(LaminaClientOptions options) => options.SocketPath ?? options.Address?.Authority ?? "?";

    public static SocketsHttpHandler CreateHandler(LaminaClientOptions options)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = options.SocketPath is null,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
        };
        if (options.CaPem is not null) handler.SslOptions = CaPin.TrustOnly(options.CaPem);
        if (options.SocketPath is { } path) handler.ConnectCallback = (_, cancellationToken) => ConnectAsync(path, cancellationToken);
        return handler;
    }

    private static async ValueTask<Stream> ConnectAsync(string path, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
