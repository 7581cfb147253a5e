using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lamina.Engine.Migration;

/// <summary>
/// The certificates of one migration (D22): an authority of its own that signs one for the target and one for the source, and whose key then ceases to be.
/// Whoever has neither part can neither listen nor connect. Key usage is as QEMU demands of them (crypto/tlscredsx509.c).
/// </summary>
public static class MigrationCertificates
{
    private const string TargetUsage = "1.3.6.1.5.5.7.3.1";
    private const string SourceUsage = "1.3.6.1.5.5.7.3.2";

    /// <summary>Clocks of hosts differ; and the longest migration ends before this.</summary>
    private static readonly TimeSpan Leeway = TimeSpan.FromDays(1);
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    /// <param name="vm">Of which the target bears the name.</param>
    /// <param name="now">From the clock of who makes them.</param>
    public static (MigrationCredentials Target, MigrationCredentials Source) Make(Guid vm, DateTimeOffset now)
    {
        var name = $"{vm}.lamina";
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request("lamina migration", authorityKey);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        using var authority = request.CreateSelfSigned(now - Leeway, now + Lifetime);
        return (Sign(authority, name, name, TargetUsage, now), Sign(authority, name, "source", SourceUsage, now));
    }

    private static MigrationCredentials Sign(X509Certificate2 authority, string targetName, string subject, string usage, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(subject, key);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: true));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(subject);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, now - Leeway, now + Lifetime - TimeSpan.FromMinutes(1), RandomNumberGenerator.GetBytes(16));
        return new MigrationCredentials
        {
            Authority = authority.ExportCertificatePem(), Certificate = certificate.ExportCertificatePem(), Key = key.ExportPkcs8PrivateKeyPem(), TargetName = targetName,
        };
    }

    private static CertificateRequest Request(string subject, ECDsa key) => new(new X500DistinguishedName($"CN={subject}"), key, HashAlgorithmName.SHA256);
}
