namespace Lamina.Server.Http;

/// <summary>Each request has an id that stands in its answer, in the log and in the audit; a client may bring its own.</summary>
internal static class RequestIds
{
    public const string Header = "X-Request-Id";

    public static string Of(HttpContext http) => http.Features.Get<RequestId>()?.Text ?? http.TraceIdentifier;

    /// <summary>Takes the client's id when it is harmless, else makes one.</summary>
    public static string Assign(HttpContext http)
    {
        string brought = http.Request.Headers[Header].ToString();
        bool harmless = brought.Length is > 0 and <= 64 && brought.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.');
        string id = harmless ? brought : Guid.CreateVersion7().ToString("N");
        http.Features.Set(new RequestId(id));
        http.Response.Headers[Header] = id;
        return id;
    }

    private sealed record RequestId(string Text);
}
