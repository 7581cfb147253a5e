using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lamina.Api.Input;

namespace Lamina.Server.Auth;

/// <summary>
/// A certificate that an administrator has set, with its chain and key. It is shown to clients that ask for one of its names (SNI); all others, those that
/// pin the installation's CA among them, get the installation's.
/// </summary>
internal sealed class OwnCertificate
{
    private const int LeastRsaBits = 2048;
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    private OwnCertificate(string pem, X509Certificate2 certificate, X509Certificate2Collection chain)
    {
        Pem = pem;
        Certificate = certificate;
        Names = Certificates.NamesIn(certificate);
        Options = TlsIdentity.OptionsFor(SslStreamCertificateContext.Create(certificate, chain, offline: true));
    }

    /// <summary>Certificate, chain and key, as its file holds them.</summary>
    public string Pem { get; }

    public X509Certificate2 Certificate { get; }

    public IReadOnlyList<string> Names { get; }

    public SslServerAuthenticationOptions Options { get; }

    /// <summary>Null: it serves; else every problem is added.</summary>
    public static OwnCertificate? Check(string certificatePem, string privateKeyPem, DateTimeOffset now, InputProblems problems)
    {
        var chain = ReadChain(certificatePem, problems);
        if (privateKeyPem.Contains("ENCRYPTED", StringComparison.Ordinal))
            problems.Add("$.privateKeyPem", "certificate.keyEncrypted", "The key is encrypted: decrypt it first (openssl pkey -in KEY -out PLAIN).");
        else if (!privateKeyPem.Contains("PRIVATE KEY-----", StringComparison.Ordinal))
            problems.Add("$.privateKeyPem", "certificate.keyMissing", "This is no private key in PEM.");
        if (problems.Any) return null;
        return Join(chain!, privateKeyPem, problems) is { } certificate && IsFit(certificate, now, problems)
            ? new OwnCertificate($"{certificatePem.TrimEnd()}\n{privateKeyPem.TrimEnd()}\n", certificate, [.. chain!.Skip(1)])
            : null;
    }

    /// <summary>True when a client that asks for this name gets this certificate.</summary>
    public bool Serves(string? name) => !string.IsNullOrEmpty(name) && Names.Any(own => Matches(own, name));

    /// <summary>A star stands for one label (RFC 6125).</summary>
    private static bool Matches(string own, string name) => own.StartsWith("*.", StringComparison.Ordinal)
        ? name.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot && string.Equals(name[dot..], own[1..], StringComparison.OrdinalIgnoreCase)
        : string.Equals(own, name, StringComparison.OrdinalIgnoreCase);

    private static X509Certificate2Collection? ReadChain(string pem, InputProblems problems)
    {
        var chain = new X509Certificate2Collection();
        try
        {
            chain.ImportFromPem(pem);
        }
        catch (CryptographicException)
        {
            chain.Clear();
        }

        if (chain.Count > 0) return chain;
        problems.Add("$.certificatePem", "certificate.invalid", "This is no certificate in PEM.");
        return null;
    }

    private static X509Certificate2? Join(X509Certificate2Collection chain, string key, InputProblems problems)
    {
        try
        {
            return X509Certificate2.CreateFromPem(chain[0].ExportCertificatePem(), key);
        }
        catch (Exception mismatch) when (mismatch is CryptographicException or ArgumentException)
        {
            problems.Add("$.privateKeyPem", "certificate.keyMismatch", "This is not the key of the first certificate: the server's own comes first, then its chain.");
            return null;
        }
    }

    private static bool IsFit(X509Certificate2 certificate, DateTimeOffset now, InputProblems problems)
    {
        const string path = "$.certificatePem";
        if (certificate.NotAfter.ToUniversalTime() <= now.UtcDateTime) problems.Add(path, "certificate.ended", $"It ended on {certificate.NotAfter:yyyy-MM-dd}.");
        if (!Certificates.NamesIn(certificate).Any(name => name.Contains('.', StringComparison.Ordinal) && !System.Net.IPAddress.TryParse(name, out _)))
            problems.Add(path, "certificate.noNames", "It bears no DNS name (subject alternative name), so no client would be shown it.");
        using var rsa = certificate.GetRSAPublicKey();
        if (rsa?.KeySize < LeastRsaBits) problems.Add(path, "certificate.weak", $"Its RSA key has {rsa.KeySize} bits; clients want {LeastRsaBits} or more.");
        var usages = certificate.Extensions.OfType<X509EnhancedKeyUsageExtension>().FirstOrDefault();
        if (usages is not null && usages.EnhancedKeyUsages.Cast<Oid>().All(usage => usage.Value != ServerAuthentication))
            problems.Add(path, "certificate.noServer", "It is not for servers (extended key usage).");
        return !problems.Any;
    }
}
