using System.Buffers;
using System.Net.WebSockets;
using System.Security.Cryptography;

namespace Lamina.Server.Http;

/// <summary>Passes a WebSocket through to another member: message by message, with its subprotocol and its end.</summary>
internal static class WebSocketRelay
{
    private const int BufferBytes = 64 * 1024;
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan ClosePatience = TimeSpan.FromSeconds(5);

    /// <summary>Makes a request one for a WebSocket (RFC 6455 4.1), over HTTP/1.1 whatever the client's was.</summary>
    /// <param name="message">The request.</param>
    /// <param name="protocols">The subprotocols that the client offers.</param>
    public static void Ask(HttpRequestMessage message, IList<string> protocols)
    {
        message.Version = System.Net.HttpVersion.Version11;
        message.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        message.Method = HttpMethod.Get;
        message.Headers.TryAddWithoutValidation("Connection", "Upgrade");
        message.Headers.TryAddWithoutValidation("Upgrade", "websocket");
        message.Headers.TryAddWithoutValidation("Sec-WebSocket-Version", "13");
        message.Headers.TryAddWithoutValidation("Sec-WebSocket-Key", Convert.ToBase64String(RandomNumberGenerator.GetBytes(16)));
        if (protocols.Count > 0) message.Headers.TryAddWithoutValidation("Sec-WebSocket-Protocol", string.Join(", ", protocols));
    }

    /// <summary>Accepts the client's and passes messages until one end closes or breaks.</summary>
    /// <param name="http">The client's request.</param>
    /// <param name="answer">The other member's 101.</param>
    /// <param name="stopping">This daemon stops.</param>
    public static async Task RunAsync(HttpContext http, HttpResponseMessage answer, CancellationToken stopping)
    {
        string? protocol = answer.Headers.TryGetValues("Sec-WebSocket-Protocol", out var chosen) ? chosen.FirstOrDefault() : null;
        await using var line = await answer.Content.ReadAsStreamAsync(http.RequestAborted);
        using var far = WebSocket.CreateFromStream(line, new WebSocketCreationOptions { SubProtocol = protocol, KeepAliveInterval = PingInterval, KeepAliveTimeout = PingInterval });
        using var near = await http.WebSockets.AcceptWebSocketAsync(protocol);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, stopping);
        var outward = PassAsync(near, far, over.Token);
        var inward = PassAsync(far, near, over.Token);
        await Task.WhenAny(outward, inward);
        // The other direction ends by the answer to the close; it is not waited for without end.
        over.CancelAfter(ClosePatience);
        await Task.WhenAll(outward, inward);
    }

    private static async Task PassAsync(WebSocket from, WebSocket to, CancellationToken cancellation)
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            while (true)
            {
                var message = await from.ReceiveAsync(buffer.AsMemory(), cancellation);
                if (message.MessageType == WebSocketMessageType.Close) break;
                await to.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, cancellation);
            }

            if (to.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await to.CloseOutputAsync(from.CloseStatus is { } status and not WebSocketCloseStatus.Empty ? status : WebSocketCloseStatus.NormalClosure, from.CloseStatusDescription, cancellation);
        }
        catch (Exception broken) when (broken is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The line is broken at one end: the other end hears of it by its own breaking.
            to.Abort();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
