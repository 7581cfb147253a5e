using System.Net.Http.Headers;
using Lamina.Server.Control;
using Lamina.Server.Store;

namespace Lamina.Server.Http;

/// <summary>
/// Carries a request whole to the host that can answer it, with the caller's identity, and its answer back (decision 22): bodies stream in both
/// directions, WebSockets pass.
/// </summary>
internal sealed class HostProxy(ApiServices services)
{
    /// <summary>Of one connection only (RFC 9110 7.6.1), or said anew by who carries.</summary>
    private static readonly HashSet<string> NotCarried = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Host", "Authorization", "Cookie",
        "Accept-Encoding", "Expect", PeerHeaders.Caller, PeerHeaders.Session, PeerHeaders.CarriedBy, ApiHeaders.MinRevision,
    };

    /// <summary>True when the request is for another host, and then it was answered by that one.</summary>
    /// <exception cref="ProblemException">That host is not there.</exception>
    public async ValueTask<bool> TryCarryAsync(ApiRequest request)
    {
        if (request.Endpoint.HostOf is not { } hostOf || services.HostId.Length == 0) return false;
        if (await hostOf(request) is not { } host || host == services.HostId) return false;
        if (PeerCaller.Of(request.Http) is not null) throw new ProblemException(
            ProblemKind.Unavailable, "host.moved", "What this is about has just moved to another host.", "Try again.");
        if (services.Peers.Find(host) is not { } peer) throw Unreachable(request, host, null);
        await CarryAsync(request, host, peer);
        return true;
    }

    private async Task CarryAsync(ApiRequest request, string host, PeerAddress peer)
    {
        var http = request.Http;
        using var message = MessageOf(request, peer);
        if (http.WebSockets.IsWebSocketRequest) WebSocketRelay.Ask(message, http.WebSockets.WebSocketRequestedProtocols);
        using var answer = await SendAsync(request, host, peer, message);
        http.Response.Headers[PeerHeaders.AnsweredBy] = host;
        if (answer.StatusCode == System.Net.HttpStatusCode.SwitchingProtocols)
        {
            await WebSocketRelay.RunAsync(http, answer, services.Stopping);
            return;
        }

        await AnswerAsync(http, answer);
    }

    private HttpRequestMessage MessageOf(ApiRequest request, PeerAddress peer)
    {
        var http = request.Http;
        var message = new HttpRequestMessage(new HttpMethod(http.Request.Method), new Uri(peer.Base, http.Request.Path.ToUriComponent() + http.Request.QueryString));
        message.Content = request.BufferedBody is { } body ? new ReadOnlyMemoryContent(body)
            : http.Request.ContentLength is > 0 || http.Request.Headers.TransferEncoding.Count > 0 ? new StreamContent(http.Request.Body)
            : null;
        foreach (var (name, values) in http.Request.Headers)
        {
            if (NotCarried.Contains(name) || name.StartsWith("Sec-WebSocket-", StringComparison.OrdinalIgnoreCase) || name.StartsWith(':')) continue;
            if (!message.Headers.TryAddWithoutValidation(name, values.ToArray())) message.Content?.Headers.TryAddWithoutValidation(name, values.ToArray());
        }

        // The other host decides on what this one has seen, at the least.
        message.Headers.TryAddWithoutValidation(ApiHeaders.MinRevision, new StoreRevision(services.Store.StoreId, request.Snapshot.Revision).ToString());
        message.Headers.Remove(RequestIds.Header);
        message.Headers.TryAddWithoutValidation(RequestIds.Header, request.Id);
        message.Headers.TryAddWithoutValidation(PeerHeaders.CarriedBy, services.HostId);
        if (!request.Caller.IsAnonymous) message.Headers.TryAddWithoutValidation(PeerHeaders.Caller, request.Caller.Subject);
        if (request.Caller.Session is { } session) message.Headers.TryAddWithoutValidation(PeerHeaders.Session, session);
        return message;
    }

    private static async Task<HttpResponseMessage> SendAsync(ApiRequest request, string host, PeerAddress peer, HttpRequestMessage message)
    {
        try
        {
            return await peer.Invoker.SendAsync(message, request.Aborted);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException || (failure is OperationCanceledException && !request.Aborted.IsCancellationRequested))
        {
            throw Unreachable(request, host, failure);
        }
    }

    private static async Task AnswerAsync(HttpContext http, HttpResponseMessage answer)
    {
        http.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (name, values) in Headers(answer.Headers).Concat(Headers(answer.Content.Headers))) http.Response.Headers[name] = values;
        await using var body = await answer.Content.ReadAsStreamAsync(http.RequestAborted);
        try
        {
            await body.CopyToAsync(http.Response.Body, http.RequestAborted);
        }
        catch (Exception failure) when (failure is HttpRequestException or IOException && !http.RequestAborted.IsCancellationRequested)
        {
            // What has gone cannot be taken back: the broken line says that it is not the whole.
            http.Abort();
        }
    }

    private static IEnumerable<(string Name, string[] Values)> Headers(HttpHeaders headers) => headers
        .NonValidated
        .Where(header => !NotCarried.Contains(header.Key))
        .Select(header => (header.Key, header.Value.ToArray()));

    private static ProblemException Unreachable(ApiRequest request, string host, Exception? cause)
    {
        string name = request.Snapshot.HostName(host);
        return new ProblemException(
            ProblemKind.Unavailable, "host.unreachable", $"Only host '{name}' can answer this, and it is not reached{(cause is null ? "" : $": {cause.Message}")}.",
            "See whether it is up and its network is whole: lamina host list. Its guests run on if it is.", cause);
    }
}
