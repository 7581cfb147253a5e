using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lamina.Api;
using Lamina.Server.Auth;
using Lamina.Server.Control;

namespace Lamina.Server.Hosts;

/// <summary>
/// Calls another host of the cluster by its id, with mutual TLS: only that very host is spoken to. For <c>/peer/v1/…</c> and for requests of the public API
/// that are bound to another host. A failure here decides nothing: the store's records do.
/// </summary>
internal sealed class PeerClient(HostCertificate certificate, Func<CacheSnapshot> snapshot) : IDisposable
{
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, HttpMessageInvoker> _lines = new(StringComparer.Ordinal);

    /// <summary>Sends a request whose address is a path (<c>/peer/v1/…</c>) and gives the answer as soon as its headers are there.</summary>
    /// <exception cref="HttpRequestException">It does not answer, or is not the host that it should be.</exception>
    /// <exception cref="ProblemException">No such host, or it has no address.</exception>
    public async Task<HttpResponseMessage> SendAsync(string hostId, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.RequestUri = new Uri(AddressOf(hostId), request.RequestUri!);
        return await LineTo(hostId).SendAsync(request, cancellationToken);
    }

    /// <summary>Where a host answers the others.</summary>
    public Uri AddressOf(string hostId)
    {
        var spec = snapshot().Get(Keys.Hosts.Spec, hostId)?.Record;
        return spec?.Addresses is { } addresses ? new Uri($"https://{addresses.Peer}/") : throw new ProblemException(
            ProblemKind.Unavailable, "host.unknown", $"The host {spec?.Name ?? hostId} has no address in the cluster.", "See 'lamina cluster status'.");
    }

    /// <summary>For lines that are no plain request, as WebSockets are.</summary>
    public HttpMessageInvoker LineTo(string hostId) => _lines.GetOrAdd(hostId, id => new HttpMessageInvoker(new SocketsHttpHandler
    {
        SslOptions = certificate.ClientOptions(id),
        ConnectTimeout = ConnectPatience,
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
    }));

    /// <summary>Opens new connections from here on: those that there are began at an address that this machine has no more, and would only fall silent.</summary>
    public void BeginAnew()
    {
        foreach (string hostId in _lines.Keys)
        {
            if (_lines.TryRemove(hostId, out var line)) line.Dispose();
        }
    }

    /// <summary>Posts a record and reads one.</summary>
    /// <exception cref="ProblemException">What the other host refused, in its words; or that it does not answer.</exception>
    public async Task<TAnswer> PostAsync<TBody, TAnswer>(
        string hostId, string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> answerType, CancellationToken cancellationToken)
        where TAnswer : class
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = PeerJson.Content(body, bodyType) };
        try
        {
            using var response = await SendAsync(hostId, request, cancellationToken);
            return await PeerJson.ReadAsync(response, answerType, cancellationToken);
        }
        catch (HttpRequestException failure)
        {
            throw new ProblemException(
                ProblemKind.Unavailable, "host.unreachable", $"The host {snapshot().HostName(hostId)} does not answer: {failure.Message}", "See 'lamina cluster status'.", failure);
        }
    }

    public void Dispose()
    {
        foreach (var line in _lines.Values) line.Dispose();
    }
}
