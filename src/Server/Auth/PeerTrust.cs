using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Lamina.Server.Auth;

/// <summary>Who a host of the cluster is, by its certificate. That it is a member still is not said by that: see <c>removedhosts/</c>.</summary>
internal static class PeerTrust
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>The host's id; null: it is no certificate that this CA gave to a host, or it has ended.</summary>
    /// <param name="ca">Of the cluster.</param>
    /// <param name="certificate">As shown by the other side; null: none was.</param>
    /// <param name="now">Wall time.</param>
    public static string? HostIdOf(X509Certificate2 ca, X509Certificate2? certificate, DateTimeOffset now)
    {
        if (certificate is null || !Builds(ca, certificate, now)) return null;
        string name = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        return Guid.TryParseExact(name, "D", out _) ? name : null;
    }

    private static bool Builds(X509Certificate2 ca, X509Certificate2 certificate, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(ca);
        // Removed hosts are looked up in the store, which is newer than any list.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        return chain.Build(certificate);
    }
}
