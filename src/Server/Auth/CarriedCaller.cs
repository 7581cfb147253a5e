using Lamina.Server.Control;
using Lamina.Server.Http;
using Lamina.Server.Store;

namespace Lamina.Server.Auth;

/// <summary>
/// Whose request a member carries. The member is believed as to who asks (decision 23); what that subject may do is read from the records here, which
/// are first brought to what the member had seen.
/// </summary>
internal static class CarriedCaller
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>Waits for the state that the member decided on; the dispatcher refuses the request if that does not come.</summary>
    public static async ValueTask WaitAsync(HttpContext http, Cache cache)
    {
        string wanted = http.Request.Headers[ApiHeaders.MinRevision].ToString();
        if (StoreRevision.TryParse(wanted, out var revision)) await cache.WaitForRevisionAsync(revision.Value.Number, Patience, http.RequestAborted);
    }

    /// <summary>Null: nobody has logged in there, or the subject is no more.</summary>
    public static Identity? Identify(CacheSnapshot snapshot, IHeaderDictionary headers, DateTimeOffset now)
    {
        string subject = headers[PeerHeaders.Caller].ToString();
        string session = headers[PeerHeaders.Session].ToString();
        return subject.Length == 0 ? null : Identification.Identify(snapshot, subject, session.Length == 0 ? null : session, now);
    }
}
