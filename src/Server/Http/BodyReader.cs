namespace Lamina.Server.Http;

/// <summary>Reads a small JSON body whole, bounded.</summary>
internal static class BodyReader
{
    /// <exception cref="ProblemException">413 when it is longer than allowed, 415 when it says to be no JSON.</exception>
    public static async ValueTask<byte[]> ReadAsync(HttpRequest request, long most, CancellationToken cancellationToken)
    {
        if (request.ContentLength > most) throw TooLarge(most);
        using var buffer = new MemoryStream((int)(request.ContentLength ?? 0));
        byte[] chunk = new byte[16 * 1024];
        int read;
        while ((read = await request.Body.ReadAsync(chunk, cancellationToken)) > 0)
        {
            if (buffer.Length + read > most) throw TooLarge(most);
            buffer.Write(chunk, 0, read);
        }

        if (buffer.Length > 0) CheckMediaType(request);
        return buffer.ToArray();
    }

    private static void CheckMediaType(HttpRequest request)
    {
        string type = (request.ContentType ?? "application/json").Split(';')[0].Trim();
        if (type is "application/json" || type.EndsWith("+json", StringComparison.OrdinalIgnoreCase)) return;
        throw new ProblemException(ProblemKind.UnsupportedMedia, "body.mediaType", $"The body is '{type}', not JSON.", "Send JSON with 'Content-Type: application/json'.");
    }

    private static ProblemException TooLarge(long most) =>
        new(ProblemKind.TooLarge, "body.tooLarge", $"The body is longer than {most} bytes.", "Files go through /v1/uploads.");
}
