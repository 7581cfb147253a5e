using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lamina.Engine.Migration;

namespace Lamina.Server.Migration;

/// <summary>
/// The certificates of one migration (decision 22): an authority of its own, whose key is gone when both leafs are signed, so that nobody but this one
/// source reaches this one target, and QEMU never reads a host's key.
/// </summary>
internal static class MigrationCertificates
{
    private static readonly TimeSpan Validity = TimeSpan.FromDays(7);

    /// <summary>Hosts whose clocks differ a little.</summary>
    private static readonly TimeSpan Before = TimeSpan.FromHours(1);

    public static (MigrationCredentials Target, MigrationCredentials Source) Make(string nonce, DateTimeOffset now)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest($"CN=migration {nonce}", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        authorityRequest.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        using var authority = authorityRequest.CreateSelfSigned(now - Before, now + Validity);
        string name = $"target-{nonce}";
        return (Leaf(authority, name, name, "1.3.6.1.5.5.7.3.1", now), Leaf(authority, $"source-{nonce}", name, "1.3.6.1.5.5.7.3.2", now));
    }

    public static byte[] Write(MigrationCredentials credentials) => JsonSerializer.SerializeToUtf8Bytes(credentials, MigrationJson.Default.MigrationCredentials);

    public static MigrationCredentials Read(ReadOnlySpan<byte> plain) =>
        JsonSerializer.Deserialize(plain, MigrationJson.Default.MigrationCredentials) ?? throw new InvalidDataException("The certificates of a migration are empty.");

    /// <param name="usage">OID of the extended key usage: server or client authentication.</param>
    private static MigrationCredentials Leaf(X509Certificate2 authority, string name, string targetName, string usage, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], critical: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var signed = request.Create(authority, now - Before, now + Validity, RandomNumberGenerator.GetBytes(16));
        return new MigrationCredentials
        {
            Authority = authority.ExportCertificatePem(),
            Certificate = signed.ExportCertificatePem(),
            Key = key.ExportPkcs8PrivateKeyPem(),
            TargetName = targetName,
        };
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(MigrationCredentials))]
internal sealed partial class MigrationJson : JsonSerializerContext;
