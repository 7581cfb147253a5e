using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lamina.Api.Client;

/// <summary>Trust in a server by the fingerprint of its installation's CA, as the daemon prints it at its first start.</summary>
public static class CaPin
{
    private const int LargestPemBytes = 16 * 1024;

    /// <summary>SHA-256 of the certificate, upper-case hexadecimal in pairs with colons, as OpenSSL prints it.</summary>
    public static string Fingerprint(X509Certificate2 certificate) =>
        string.Join(':', certificate.GetCertHash(HashAlgorithmName.SHA256).Select(part => part.ToString("X2")));

    /// <summary>Fetches <c>GET /v1/ca</c> without trusting the line yet, and returns the PEM only if its fingerprint is the expected one.</summary>
    /// <param name="address">The server.</param>
    /// <param name="fingerprint">As printed by the daemon; null takes whatever comes (the caller asks a person then).</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="LaminaUnreachableException">No answer, or not the CA that was expected.</exception>
    public static async Task<string> FetchAsync(Uri address, string? fingerprint, CancellationToken cancellationToken)
    {
        // Nothing secret is sent on this line and nothing from it is believed before its fingerprint was compared.
#pragma warning disable CA5359
        string pem = await AskAsync(address, static (_, _, _, _) => true, cancellationToken);
#pragma warning restore CA5359
        string found = FingerprintOf(pem, address);
        if (fingerprint is not null && Normalise(fingerprint) != Normalise(found))
            throw new LaminaUnreachableException(
                $"{address.Authority} shows a CA with the fingerprint {found}, not {fingerprint}. Is it the right server? Compare with what `lamina api GET /v1` shows on the server itself.");
        return pem;
    }

    /// <summary>True when this machine's own trust covers the server: it has a certificate that its administrator has set.</summary>
    public static async Task<bool> IsTrustedAsync(Uri address, CancellationToken cancellationToken)
    {
        try
        {
            await AskAsync(address, trust: null, cancellationToken);
            return true;
        }
        catch (LaminaUnreachableException)
        {
            return false;
        }
    }

    /// <summary>The fingerprint of the one certificate in a PEM text.</summary>
    /// <exception cref="LaminaUnreachableException">The text holds none.</exception>
    public static string FingerprintOf(string pem, Uri address)
    {
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(pem);
            return Fingerprint(certificate);
        }
        catch (CryptographicException failure)
        {
            throw new LaminaUnreachableException($"{address.Authority} answered /v1/ca with something that is no certificate.", failure);
        }
    }

    /// <summary>TLS options that trust this CA only; names and dates of the server's certificate are checked as usual.</summary>
    internal static SslClientAuthenticationOptions TrustOnly(string pem)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            // The installation's CA publishes no revocation list; leaves live briefly and are renewed by the daemon.
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(pem));
        return new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
    }

    /// <param name="address">The server.</param>
    /// <param name="trust">Decides on its certificate; null: this machine's own trust.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    private static async Task<string> AskAsync(Uri address, RemoteCertificateValidationCallback? trust, CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10), UseProxy = false };
        handler.SslOptions.RemoteCertificateValidationCallback = trust;
        using var client = new HttpClient(handler) { MaxResponseContentBufferSize = LargestPemBytes, Timeout = TimeSpan.FromSeconds(20) };
        try
        {
            return await client.GetStringAsync(new Uri(address, "/v1/ca"), cancellationToken);
        }
        catch (Exception failure) when (failure is HttpRequestException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new LaminaUnreachableException($"The CA of {address.Authority} could not be fetched: {failure.Message}", failure);
        }
    }

    private static string Normalise(string fingerprint) =>
        fingerprint.Replace(":", "", StringComparison.Ordinal).Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();
}
