using System.Security.Cryptography;

namespace Lamina.Server.Upgrades;

/// <summary>Whether a package is signed by the key that this host's configuration pins.</summary>
internal sealed class UpgradeSignature(string? keyFile)
{
    /// <param name="file">The package.</param>
    /// <param name="signature">Base64 of a DER signature; null: none was given.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ProblemException">A key is pinned, and the signature is missing or not by it.</exception>
    public async Task CheckAsync(string file, string? signature, CancellationToken cancellationToken)
    {
        if (keyFile is null) return;
        if (signature is null) throw Refused($"this host takes only packages signed by the key in {keyFile}, and no signature was given");
        await using var content = File.OpenRead(file);
        byte[] hash = await SHA256.HashDataAsync(content, cancellationToken);
        if (!IsBy(await File.ReadAllTextAsync(keyFile, cancellationToken), hash, signature)) throw Refused($"its signature is not by the key in {keyFile}");
    }

    private bool IsBy(string pem, byte[] hash, string signature)
    {
        try
        {
            byte[] given = Convert.FromBase64String(signature);
            return PemEncoding.TryFind(pem, out _) && (Verify(ECDsa.Create(), pem, key => key.VerifyHash(hash, given, DSASignatureFormat.Rfc3279DerSequence))
                ?? Verify(RSA.Create(), pem, key => key.VerifyHash(hash, given, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1))) == true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <summary>Null: the key is of another kind.</summary>
    private static bool? Verify<T>(T key, string pem, Func<T, bool> isBy)
        where T : AsymmetricAlgorithm
    {
        using (key)
        {
            try
            {
                key.ImportFromPem(pem);
            }
            catch (Exception other) when (other is ArgumentException or CryptographicException)
            {
                return null;
            }

            return isBy(key);
        }
    }

    private static ProblemException Refused(string why) => new(
        ProblemKind.Denied, "upgrade.signature", $"The package is refused: {why}.", "Sign it (openssl dgst -sha256 -sign KEY -out FILE.sig FILE), and name the signature: --signature FILE.sig");
}
