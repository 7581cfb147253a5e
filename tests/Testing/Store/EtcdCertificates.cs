using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lamina.Server.Store;

namespace Lamina.Testing.Store;

/// <summary>An authority of a test, and a certificate of it that serves both sides.</summary>
internal static class EtcdCertificates
{
    private const X509KeyUsageFlags Signs = X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.DigitalSignature;
    private static readonly OidCollection BothSides = [new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")];

    /// <summary>Writes them into a folder; the access names no endpoint.</summary>
    public static EtcdAccess Make(string folder, string address)
    {
        var from = TimeProvider.System.GetUtcNow().AddHours(-1);
        using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var caRequest = new CertificateRequest("CN=test authority", caKey, HashAlgorithmName.SHA256);
        caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        caRequest.CertificateExtensions.Add(new X509KeyUsageExtension(Signs, critical: true));
        using var ca = caRequest.CreateSelfSigned(from, from.AddDays(2));

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test member", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(BothSides, critical: false));
        using var certificate = request.Create(ca, from, from.AddDays(1), RandomNumberGenerator.GetBytes(8));

        string Write(string name, string pem)
        {
            string file = Path.Combine(folder, name);
            File.WriteAllText(file, pem);
            return file;
        }

        return new EtcdAccess
        {
            Endpoints = [],
            CaFile = Write("ca.pem", ca.ExportCertificatePem()),
            CertificateFile = Write("member.pem", certificate.ExportCertificatePem()),
            KeyFile = Write("member.key", key.ExportPkcs8PrivateKeyPem()),
        };
    }
}
