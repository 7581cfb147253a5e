namespace Lamina.Server.Auth;

/// <summary>What a server's certificate says of itself.</summary>
internal sealed record CertificateFacts(DateTimeOffset NotBefore, DateTimeOffset NotAfter, IReadOnlyList<string> Names, bool SignedByCa);

/// <summary>Decides when the server's certificate is made anew.</summary>
internal static class ServerCertificatePlan
{
    /// <summary>Why a new one is due, in words; null: the current one stays.</summary>
    /// <param name="current">Null: there is none.</param>
    /// <param name="wanted">Names and addresses by which this host can be called now. Names that are gone stay in the certificate.</param>
    /// <param name="now">Wall time.</param>
    public static string? ReasonToRenew(CertificateFacts? current, IReadOnlyList<string> wanted, DateTimeOffset now)
    {
        if (current is null) return "there is none yet";
        if (!current.SignedByCa) return "it was signed by another CA";
        if (now < current.NotBefore) return "the clock was set back before its beginning";
        var lifetime = current.NotAfter - current.NotBefore;
        if (now >= current.NotAfter - (lifetime / 3)) return $"it ends on {current.NotAfter:yyyy-MM-dd}";
        string[] missing = [.. wanted.Except(current.Names, StringComparer.OrdinalIgnoreCase)];
        return missing.Length > 0 ? $"it does not name {string.Join(", ", missing)}" : null;
    }
}
