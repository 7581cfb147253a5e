namespace Lamina.Server.Http;

/// <summary>Each request has an id that stands in its answer, in the log and in the audit; a client may bring its own.</summary>
internal static class RequestIds
{
    public const string Header = "X-Request-Id";

    private static readonly AsyncLocal<string?> Flowing = new();

    /// <summary>The request on whose account the present work is done, also after its answer; null: nobody's.</summary>
    public static string? Current => Flowing.Value;

    /// <summary>What follows in this flow of work is done for that request.</summary>
    public static void Continue(string? id) => Flowing.Value = id;

    public static string Of(HttpContext http) => http.Features.Get<RequestId>()?.Text ?? http.TraceIdentifier;

    /// <summary>Takes the client's id when it is harmless, else makes one.</summary>
    public static string Assign(HttpContext http)
    {
        string brought = http.Request.Headers[Header].ToString();
        bool harmless = brought.Length is > 0 and <= 64 && brought.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.');
        string id = harmless ? brought : Guid.CreateVersion7().ToString("N");
        http.Features.Set(new RequestId(id));
        Flowing.Value = id;
        http.Response.Headers[Header] = id;
        return id;
    }

    private sealed record RequestId(string Text);
}
