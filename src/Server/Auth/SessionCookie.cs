using System.Globalization;
using Lamina.Server.Http;

namespace Lamina.Server.Auth;

/// <summary>
/// The session of a browser: in a cookie that no script can read, so that a flaw of the page does not give it away. It counts only for what this very page
/// asks: another site's requests bear it not (SameSite), and what the browser says of a request's origin (Fetch Metadata, W3C) is checked as well.
/// </summary>
internal static class SessionCookie
{
    private const string OriginHeader = "Sec-Fetch-Site";

    /// <summary>Cookies are not told apart by port, daemons on one machine are.</summary>
    private static string NameFor(HttpContext http) => string.Create(CultureInfo.InvariantCulture, $"__Host-lamina-{http.Connection.LocalPort}");

    public static void Give(HttpContext http, string secret, DateTimeOffset end) => http.Response.Cookies.Append(NameFor(http), secret, Options(end));

    public static void Take(HttpContext http) => http.Response.Cookies.Delete(NameFor(http), Options(null));

    /// <summary>The credential of a request of the page; null: it bears none, or is not the page's.</summary>
    public static Credential? Of(HttpContext http)
    {
        if (!http.Request.Cookies.TryGetValue(NameFor(http), out string? secret)) return null;
        string origin = http.Request.Headers[OriginHeader].ToString();
        bool isOwn = origin == "same-origin" || (origin == "none" && HttpMethods.IsGet(http.Request.Method));
        return isOwn && Secret.Of(secret) is Credential.Session session ? session : null;
    }

    private static CookieOptions Options(DateTimeOffset? end) => new() { Secure = true, HttpOnly = true, SameSite = SameSiteMode.Strict, Path = "/", Expires = end, IsEssential = true };
}
