using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lamina.Server.Auth;

/// <summary>Makes the installation's CA and the certificates that it signs (RFC 5280). Pure but for the random keys.</summary>
internal static class Certificates
{
    public static readonly TimeSpan CaLifetime = TimeSpan.FromDays(20 * 365);
    public static readonly TimeSpan ServerLifetime = TimeSpan.FromDays(365);

    // Clients whose clocks are behind must not refuse a certificate made just now.
    private static readonly TimeSpan Backdating = TimeSpan.FromDays(1);

    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>A CA with its private key (ECDSA P-256) that may sign servers, but no further CA.</summary>
    public static X509Certificate2 CreateCa(string commonName, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Name(commonName), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        return request.CreateSelfSigned(now - Backdating, now + CaLifetime);
    }

    /// <summary>A server's certificate with its private key. It never outlives the CA.</summary>
    /// <param name="ca">With its private key.</param>
    /// <param name="names">DNS names and IP addresses by which clients call the server; the first is also its common name.</param>
    /// <param name="now">Wall time.</param>
    public static X509Certificate2 CreateServer(X509Certificate2 ca, IReadOnlyList<string> names, DateTimeOffset now) =>
        CreateLeaf(ca, names[0], names, [ServerAuthentication], now);

    /// <summary>A host's certificate among the members of its cluster, as client and as server, with its private key: its common name is the host's id.</summary>
    public static X509Certificate2 CreateHost(X509Certificate2 ca, string hostId, IReadOnlyList<string> names, DateTimeOffset now) =>
        CreateLeaf(ca, hostId, names, [ServerAuthentication, ClientAuthentication], now);

    private static X509Certificate2 CreateLeaf(X509Certificate2 ca, string commonName, IReadOnlyList<string> names, IReadOnlyList<string> uses, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(Name(commonName), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([.. uses.Select(use => new Oid(use))], critical: false));
        request.CertificateExtensions.Add(AlternativeNames(names));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(ca, true, false));
        var end = now + ServerLifetime < ca.NotAfter ? now + ServerLifetime : ca.NotAfter;
        using var bare = request.Create(ca, now - Backdating < ca.NotBefore ? ca.NotBefore : now - Backdating, end, SerialNumber());
        return bare.CopyWithPrivateKey(key);
    }

    /// <summary>The DNS names and addresses in a certificate.</summary>
    public static IReadOnlyList<string> NamesIn(X509Certificate2 certificate) =>
    [
        .. certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().SelectMany(extension =>
            extension.EnumerateDnsNames().Concat(extension.EnumerateIPAddresses().Select(address => address.ToString()))),
    ];

    private static X509Extension AlternativeNames(IReadOnlyList<string> names)
    {
        var builder = new SubjectAlternativeNameBuilder();
        foreach (string name in names)
        {
            if (IPAddress.TryParse(name, out var address)) builder.AddIpAddress(address);
            else builder.AddDnsName(name);
        }

        return builder.Build();
    }

    private static X500DistinguishedName Name(string commonName)
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.AddOrganizationName("Lamina");
        // A common name holds 64 characters at most (RFC 5280, ub-common-name); clients look at the alternative names only.
        builder.AddCommonName(commonName.Length > 64 ? commonName[..64] : commonName);
        return builder.Build();
    }

    // 127 random bits: positive, and within the 20 bytes that RFC 5280 allows.
    private static byte[] SerialNumber()
    {
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)(serial[0] & 0x7F | 0x40);
        return serial;
    }
}
