namespace Lamina.Server.Images.Catalogue;

/// <summary>A checksum that somebody published: which hash it is, and its value in lower-case hexadecimal.</summary>
internal sealed record ContentDigest(string Algorithm, string Hex)
{
    public const string Sha256 = "sha256";
    public const string Sha512 = "sha512";

    /// <summary>Tells the hash by the length; null: no SHA-256 or SHA-512 in hexadecimal.</summary>
    public static ContentDigest? Of(string hex) => !hex.All(char.IsAsciiHexDigit) ? null : hex.Length switch
    {
        64 => new ContentDigest(Sha256, hex.ToLowerInvariant()),
        128 => new ContentDigest(Sha512, hex.ToLowerInvariant()),
        _ => null,
    };

    public override string ToString() => $"{Algorithm}:{Hex}";
}
