using System.Text;

namespace Lamina.Api.Client;

/// <summary>Builds the path of a request; every part is escaped, so <c>debian/12</c> travels as <c>debian%2F12</c>.</summary>
internal static class ApiPath
{
    public static string Of(params ReadOnlySpan<string> parts)
    {
        var path = new StringBuilder("/v1");
        foreach (string part in parts) path.Append('/').Append(Uri.EscapeDataString(part));
        return path.ToString();
    }

    /// <summary>Adds a query parameter; null adds nothing.</summary>
    public static string With(this string path, string name, string? value) =>
        value is null ? path : $"{path}{(path.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{name}={Uri.EscapeDataString(value)}";
}
