namespace Lamina.Server.Consoles;

/// <summary>WebSockets in the pipeline, before routing.</summary>
internal static class ConsoleSockets
{
    // A viewer whose machine is gone is noticed by its missing pong, and its seat becomes free.
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(20);

    public static void Use(IApplicationBuilder app)
    {
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = PingInterval, KeepAliveTimeout = PingInterval });
        app.Use(next => http =>
        {
            // Over HTTP/2 a WebSocket comes as CONNECT (RFC 8441); it is the same endpoint. Asking first makes the library remember.
            if (http.WebSockets.IsWebSocketRequest) http.Request.Method = HttpMethods.Get;
            return next(http);
        });
    }
}
