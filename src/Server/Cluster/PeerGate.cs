using System.Net;
using Lamina.Server.Auth;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Http;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Lamina.Server.Cluster;

/// <summary>
/// The listener for the other hosts, and who may ask what there: members everything that members may; a host that was removed learns that it was; who shows no certificate gets the
/// CA and may ask to join, with a token. All others do not come through the handshake.
/// </summary>
internal sealed class PeerGate(HostCertificate certificate, Cache cache)
{
    /// <summary>Says to a host that it is no member any more: it acts on that.</summary>
    public const string RemovedCode = "host.removed";

    /// <summary>Listens with mutual TLS and marks each connection with who is at its other end.</summary>
    public void Listen(KestrelServerOptions kestrel, IPEndPoint address) => kestrel.Listen(address, listen =>
    {
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(certificate.ServerOptions()) });
        listen.Use(next => connection =>
        {
            Mark(connection);
            return next(connection);
        });
    });

    /// <summary>Before authentication. Each request is looked at: a connection may be older than a removal.</summary>
    public Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        if (http.Features.Get<PeerCaller>() is { } member) Require(cache.Snapshot, member.HostId, isAsking: http.Request.Path == StandingDesk.Path);
        else if (http.Features.Get<PeerStranger>() is not null && !IsOpen(http.Request)) throw new ProblemException(
            ProblemKind.Denied, "peer.certificate", "This port is for hosts of the cluster, and no certificate of one was shown.", "People and programs use the API's port, 7443.");
        return next(http);
    }

    /// <param name="isAsking">It only asks what it is: a store that was recovered may not know yet who was a member of the lost one.</param>
    internal static void Require(CacheSnapshot snapshot, string hostId, bool isAsking = false)
    {
        if (snapshot.Get(Keys.RemovedHosts, hostId) is { } removed) throw new ProblemException(
            ProblemKind.Denied, RemovedCode, $"The host '{removed.Record.Name}' was removed from the cluster at {removed.Record.RemovedAt:u}.", "It may join again under a new identity.");
        if (!isAsking && snapshot.Get(Keys.Hosts.Spec, hostId) is null) throw new ProblemException(
            ProblemKind.Denied, "host.notMember", $"The cluster has no host {hostId}.", "See 'lamina cluster status'.");
    }

    private static bool IsOpen(HttpRequest request) =>
        request.Path == "/v1/ca" || request.Path.StartsWithSegments("/peer/v1/join");

    private void Mark(ConnectionContext connection)
    {
        var shown = connection.Features.Get<ITlsConnectionFeature>()?.ClientCertificate;
        if (certificate.HostIdOf(shown) is { } hostId) connection.Features.Set(new PeerCaller(hostId));
        else connection.Features.Set(new PeerStranger());
    }
}
