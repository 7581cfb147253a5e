using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lamina.Server.Cluster;

/// <summary>
/// What lets one host join, once: where the cluster is, the CA that it must show, and a secret of 256 bits, of which the store keeps a hash only.
/// As text: <c>lmj_</c> and base64url of its JSON.
/// </summary>
internal sealed record JoinToken
{
    private const string Prefix = "lmj_";
    private const int SecretBytes = 32;

    public required string Id { get; init; }
    public required string Secret { get; init; }

    /// <summary>SHA-256 of the cluster's CA, with colons.</summary>
    public required string Ca { get; init; }

    /// <summary>Of the members' peer listeners.</summary>
    public required IReadOnlyList<string> Addresses { get; init; }

    public static JoinToken Create(string ca, IReadOnlyList<string> addresses) => new()
    {
        Id = Guid.NewGuid().ToString("N")[..12],
        Secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes)),
        Ca = ca,
        Addresses = addresses,
    };

    public static string HashOf(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <exception cref="ProblemException">It is no token, or not a whole one.</exception>
    public static JoinToken Parse(string text)
    {
        text = text.Trim();
        try
        {
            if (!text.StartsWith(Prefix, StringComparison.Ordinal)) throw new FormatException("it does not begin with lmj_");
            var token = JsonSerializer.Deserialize(Base64Url.DecodeFromChars(text.AsSpan(Prefix.Length)), ClusterJson.Default.JoinToken);
            return token is { Addresses.Count: > 0 } ? token : throw new FormatException("it names no address");
        }
        catch (Exception wrong) when (wrong is FormatException or JsonException)
        {
            throw new ProblemException(
                ProblemKind.Invalid, "cluster.tokenInvalid", $"That is no join token, or not the whole of one: {wrong.Message}", "Copy all of what 'lamina cluster token' printed on a member.", wrong);
        }
    }

    public override string ToString() => Prefix + Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(this, ClusterJson.Default.JoinToken));
}
