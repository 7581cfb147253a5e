using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Auth;

/// <summary>
/// Finds out who makes each request, before any endpoint: what another member says of whose request it carries, else a bearer token, else a
/// browser's cookie, else the peer of the local socket, else nobody. What the request
/// may is decided by the endpoint's permission; refusals are noted for the audit here.
/// </summary>
internal sealed class Authentication(Cache cache, SessionUpkeep sessions, DenialAudit denials, TimeProvider time)
{
    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        if (await IdentifyAsync(http) is { } identity)
        {
            Caller.Set(http, new Caller(identity.Subject, identity.Rights.Allow) { Session = identity.Session?.Id });
            http.Features.Set(identity);
            if (identity.Session is var (id, record)) sessions.Used(id, record);
        }

        try
        {
            await next(http);
        }
        catch (ProblemException refusal) when (refusal.Kind is ProblemKind.Unauthenticated or ProblemKind.Denied or ProblemKind.TooManyRequests)
        {
            denials.Note(http, refusal.Kind);
            throw;
        }
    }

    /// <summary>The identity behind a request that has one.</summary>
    public static Identity? Of(HttpContext http) => http.Features.Get<Identity>();

    private async ValueTask<Identity?> IdentifyAsync(HttpContext http)
    {
        if (PeerCaller.Of(http) is null) return Identify(http);
        await CarriedCaller.WaitAsync(http, cache);
        return CarriedCaller.Identify(cache.Snapshot, http.Request.Headers, time.GetUtcNow());
    }

    private Identity? Identify(HttpContext http)
    {
        string authorization = http.Request.Headers.Authorization.ToString();
        // A bad token on the local socket stays bad: whoever sends one wants its rights, not root's.
        if (authorization.Length > 0)
            return Secret.Parse(authorization) is { } credential ? Identification.Identify(cache.Snapshot, credential, time.GetUtcNow()) : null;
        if (SessionCookie.Of(http) is { } session) return Identification.Identify(cache.Snapshot, session, time.GetUtcNow());
        if (http.Features.Get<LocalPeer>() is not { } peer) return null;
        string subject = Subjects.Local(peer.Uid);
        return new Identity(subject, Rights.LocalAdministrator(subject));
    }
}
