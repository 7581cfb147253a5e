using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Lamina.Server.Auth;

/// <summary>
/// Bearer secrets. A session's is <c>lms_RANDOM</c>, an API token's <c>lmt_NAME_RANDOM</c>: the prefix lets scanners find leaked ones. RANDOM is
/// 256 bits, so a plain SHA-256 is enough to keep it: there is nothing to guess.
/// </summary>
internal static class Secret
{
    private const string SessionPrefix = "lms_";
    private const string TokenPrefix = "lmt_";
    private const int RandomBytes = 32;
    private const int LongestSecret = 200;

    public static string NewSession() => SessionPrefix + Random();

    /// <param name="name">A label, so it holds no underscore.</param>
    public static string NewToken(string name) => $"{TokenPrefix}{name}_{Random()}";

    /// <summary>Lower-case hexadecimal; the id of a session is this.</summary>
    public static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <summary>What an Authorization header shows; null when it is none of ours.</summary>
    public static Credential? Parse(string? authorization)
    {
        const string scheme = "Bearer ";
        if (authorization is null || authorization.Length > LongestSecret) return null;
        if (!authorization.StartsWith(scheme, StringComparison.OrdinalIgnoreCase)) return null;
        return Of(authorization[scheme.Length..].Trim());
    }

    /// <summary>The credential that a secret is; null when it is none of ours.</summary>
    public static Credential? Of(string secret)
    {
        if (secret.Length > LongestSecret) return null;
        if (secret.StartsWith(SessionPrefix, StringComparison.Ordinal)) return new Credential.Session(Hash(secret));
        if (!secret.StartsWith(TokenPrefix, StringComparison.Ordinal)) return null;
        int end = secret.IndexOf('_', TokenPrefix.Length);
        return end > TokenPrefix.Length ? new Credential.Token(secret[TokenPrefix.Length..end], Hash(secret)) : null;
    }

    /// <summary>Takes the same time wherever the two differ.</summary>
    public static bool HashesEqual(string left, string right) =>
        CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(left), Encoding.ASCII.GetBytes(right));

    private static string Random() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(RandomBytes));
}

/// <summary>What a request shows to say who it is.</summary>
internal abstract record Credential
{
    private Credential()
    {
    }

    internal sealed record Session(string Hash) : Credential;

    internal sealed record Token(string Name, string Hash) : Credential;
}
