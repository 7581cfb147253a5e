using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lamina.Testing.Server;

/// <summary>A CA of a test, and certificates by which hosts know each other: the common name is the host's id.</summary>
internal sealed class PeerCertificates : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _ca;

    public PeerCertificates()
    {
        var request = new CertificateRequest("CN=test", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        _ca = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(300));
    }

    public X509Certificate2 Issue(string hostId)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={hostId}", key, HashAlgorithmName.SHA256);
        using var certificate = request.Create(_ca, _ca.NotBefore, _ca.NotAfter, RandomNumberGenerator.GetBytes(8));
        using var whole = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>Id of the host that shows it; null: this CA has not issued it.</summary>
    public string? HostOf(X509Certificate? shown)
    {
        if (shown is not X509Certificate2 certificate) return null;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_ca);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate) ? certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) : null;
    }

    /// <summary>Of a host that speaks to one other.</summary>
    public SslClientAuthenticationOptions ClientOptions(X509Certificate2 own, string otherHostId) => new()
    {
        ClientCertificates = [own],
        TargetHost = otherHostId,
        RemoteCertificateValidationCallback = (_, shown, _, _) => HostOf(shown) == otherHostId,
    };

    public void Dispose()
    {
        _ca.Dispose();
        _key.Dispose();
    }
}
