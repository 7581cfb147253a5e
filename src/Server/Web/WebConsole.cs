using System.IO.Compression;
using System.Reflection;
using Lamina.Server.Http;

namespace Lamina.Server.Web;

/// <summary>
/// The page that people have open: files built from <c>web/</c>, which lie compressed in this program. Every address that is none of the API's is the
/// page's, which reads itself what it is to show.
/// </summary>
internal static class WebConsole
{
    private const string Folder = "web/";
    private const string Page = "index.html";

    /// <summary>Nothing but our own: no inline script, no other host, in no other site's frame. Styles are set by the terminal as it draws.</summary>
    private const string Policy =
        "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    /// <summary>What the page's addresses never begin with.</summary>
    private static readonly string[] NotPages = ["/v1", "/openapi", "/metrics", "/healthz", "/peer", "/assets/"];

    private static readonly Assembly Program = typeof(WebConsole).Assembly;

    public static void Map(WebApplication app) => app.MapGet("/{**path}", (RequestDelegate)ServeAsync).ExcludeFromDescription();

    internal static async Task ServeAsync(HttpContext http)
    {
        string path = http.Request.Path.Value ?? "/";
        string name = path.TrimStart('/');
        var file = name.Length == 0 ? null : Program.GetManifestResourceStream(Folder + name);
        if (file is null)
        {
            if (Array.Exists(NotPages, prefix => path.StartsWith(prefix, StringComparison.Ordinal)))
            {
                http.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }

            name = Page;
            file = Program.GetManifestResourceStream(Folder + Page) ?? throw new ProblemException(
                ProblemKind.NotFound, "web.notBuilt", "This laminad was built without its web console.", "Build it with './dev build'; the command line needs none.");
        }

        await using (file) await SendAsync(http, name, file);
    }

    private static async Task SendAsync(HttpContext http, string name, Stream file)
    {
        var headers = http.Response.Headers;
        http.Response.ContentType = TypeOf(name);
        headers.ContentSecurityPolicy = Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers.Vary = "Accept-Encoding";

        // Names in that folder change with their content; the page itself must be asked for each time, or an upgrade would not be seen.
        headers.CacheControl = name.StartsWith("assets/", StringComparison.Ordinal) ? "public, max-age=31536000, immutable" : "no-cache";
        if (http.Request.Headers.AcceptEncoding.ToString().Contains("br", StringComparison.Ordinal))
        {
            headers.ContentEncoding = "br";
            http.Response.ContentLength = file.Length;
            await file.CopyToAsync(http.Response.Body, http.RequestAborted);
            return;
        }

        await using var plain = new BrotliStream(file, CompressionMode.Decompress);
        await plain.CopyToAsync(http.Response.Body, http.RequestAborted);
    }

    private static string TypeOf(string name) => Path.GetExtension(name) switch
    {
        ".html" => "text/html; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".css" => "text/css; charset=utf-8",
        ".svg" => "image/svg+xml",
        _ => "application/octet-stream",
    };
}
