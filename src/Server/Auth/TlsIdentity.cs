using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lamina.Api.Client;
using Lamina.Api.Input;

namespace Lamina.Server.Auth;

/// <summary>
/// The installation's CA and this server's certificate: made at the first start, root-only, the server's renewed before it ends or when the host
/// gets another name or address. New connections get the new one at once; old ones go on.
/// </summary>
internal sealed partial class TlsIdentity : IDisposable
{
    public static readonly TimeSpan CheckInterval = TimeSpan.FromHours(1);

    private const string OwnFile = "own-certificate.pem";

    private readonly string _serverFile;
    private readonly X509Certificate2 _ca;
    private readonly TimeProvider _time;
    private readonly Func<IReadOnlyList<string>> _names;
    private readonly ILogger _logger;
    private Current _current;
    private OwnCertificate? _own;

    private TlsIdentity(string serverFile, X509Certificate2 ca, TimeProvider time, Func<IReadOnlyList<string>> names, ILogger logger)
    {
        _serverFile = serverFile;
        _ca = ca;
        _time = time;
        _names = names;
        _logger = logger;
        _current = Renew(TryLoad(serverFile));
        _own = LoadOwn();
        CaPem = ca.ExportCertificatePem();
        CaFingerprint = CaPin.Fingerprint(ca);
    }

    /// <summary>What <c>GET /v1/ca</c> serves.</summary>
    public string CaPem { get; }

    /// <summary>SHA-256 with colons: people compare it when they pin this CA.</summary>
    public string CaFingerprint { get; }

    /// <summary>For a host that becomes a member: members trust each other (decision 23). Never logged, never shown.</summary>
    public string CaWithKeyPem => ToPem(_ca);

    public DateTimeOffset CaEnds => _ca.NotAfter;

    public X509Certificate2 ServerCertificate => Volatile.Read(ref _current).Certificate;

    /// <summary>An administrator's; null: none is set.</summary>
    public OwnCertificate? Own => Volatile.Read(ref _own);

    public DateTimeOffset ServerCertificateEnds => Volatile.Read(ref _current).Certificate.NotAfter;

    /// <summary>Takes CA and certificate from the folder, making what is not there.</summary>
    /// <param name="folder">Root-only.</param>
    /// <param name="installation">Names the CA, for people: the host's name at the first start.</param>
    /// <param name="time">Wall time of validity.</param>
    /// <param name="names">By which this host can be called now.</param>
    /// <param name="logger">Told of renewals.</param>
    /// <exception cref="ProblemException">The CA's file cannot be read; it is never replaced, since clients pin it.</exception>
    public static TlsIdentity Open(
        string folder, string installation, TimeProvider time, Func<IReadOnlyList<string>> names, ILogger<TlsIdentity> logger)
    {
        string caFile = Path.Combine(folder, "ca.pem");
        byte[] pem = SecretFile.ReadOrCreate(caFile, () =>
        {
            using var made = Certificates.CreateCa($"Lamina CA of {installation}", time.GetUtcNow());
            return Encoding.ASCII.GetBytes(ToPem(made));
        });
        var ca = FromPem(Encoding.ASCII.GetString(pem)) ?? throw new ProblemException(
            ProblemKind.Internal, "tls.caInvalid", $"{caFile} holds no certificate with its key.", "Restore that file from a backup: contexts and hosts trust this CA.");
        return new TlsIdentity(Path.Combine(folder, "server.pem"), ca, time, names, logger);
    }

    /// <summary>What Kestrel asks for each connection.</summary>
    /// <param name="name">By which the client calls the server (SNI); null or empty: by an address.</param>
    public SslServerAuthenticationOptions ServerOptions(string? name) => Own is { } own && own.Serves(name) ? own.Options : Volatile.Read(ref _current).Options;

    /// <summary>Keeps an administrator's certificate, for the next connection on; null takes it back.</summary>
    public void SetOwn(OwnCertificate? own)
    {
        if (own is null) File.Delete(OwnPath);
        else SecretFile.Write(OwnPath, Encoding.ASCII.GetBytes(own.Pem));
        Volatile.Write(ref _own, own);
    }

    internal static SslServerAuthenticationOptions OptionsFor(SslStreamCertificateContext certificate) => new()
    {
        ServerCertificateContext = certificate,
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
    };

    /// <summary>A new certificate of a host among the members of its cluster, with its key.</summary>
    public X509Certificate2 SignHost(string hostId, IReadOnlyList<string> names) => Certificates.CreateHost(_ca, hostId, names, _time.GetUtcNow());

    /// <summary>A host's certificate as it lies in its file, with its key.</summary>
    public static X509Certificate2 LoadHost(string file) => FromPem(File.ReadAllText(file)) ?? throw new ProblemException(
        ProblemKind.Internal, "tls.hostInvalid", $"{file} holds no certificate with its key.", "Start laminad once: it makes a new one.");

    /// <summary>A list of certificates that count no more (RFC 5280 5), DER.</summary>
    /// <param name="serialNumbers">Hexadecimal.</param>
    public byte[] SignRevocations(IReadOnlyList<string> serialNumbers)
    {
        var list = new CertificateRevocationListBuilder();
        foreach (string serial in serialNumbers.Distinct(StringComparer.Ordinal)) list.AddEntry(Convert.FromHexString(serial), _time.GetUtcNow());
        return list.Build(_ca, serialNumbers.Count + 1, _ca.NotAfter, HashAlgorithmName.SHA256, thisUpdate: _time.GetUtcNow());
    }

    /// <summary>Signs by the CA's key: ECDSA, SHA-256.</summary>
    public byte[] Sign(ReadOnlySpan<byte> words)
    {
        using var key = _ca.GetECDsaPrivateKey()!;
        return key.SignData(words, HashAlgorithmName.SHA256);
    }

    /// <summary>Whether the CA has signed it.</summary>
    public bool IsSigned(ReadOnlySpan<byte> words, ReadOnlySpan<byte> signature)
    {
        using var key = _ca.GetECDsaPublicKey()!;
        return key.VerifyData(words, signature, HashAlgorithmName.SHA256);
    }

    /// <summary>Renews when that is due. Returns whether it was.</summary>
    public bool RenewIfDue()
    {
        var before = _current;
        _current = Renew(before.Certificate);
        return !ReferenceEquals(before.Certificate, _current.Certificate);
    }

    /// <summary>Looks every hour, until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(CheckInterval, _time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                RenewIfDue();
            }
            catch (Exception failure) when (failure is IOException or CryptographicException or UnauthorizedAccessException)
            {
                LogNotRenewed(_logger, failure);
            }
        }
    }

    public void Dispose()
    {
        _ca.Dispose();
        _current.Certificate.Dispose();
    }

    private string OwnPath => Path.Combine(Path.GetDirectoryName(_serverFile)!, OwnFile);

    /// <summary>One that has ended or was damaged must not keep the daemon from serving: the installation's is still there.</summary>
    private OwnCertificate? LoadOwn()
    {
        if (!File.Exists(OwnPath)) return null;
        string pem = File.ReadAllText(OwnPath);
        int key = pem.LastIndexOf("-----BEGIN", StringComparison.Ordinal);
        var problems = new InputProblems();
        var own = key > 0 ? OwnCertificate.Check(pem[..key], pem[key..], _time.GetUtcNow(), problems) : null;
        if (own is null) LogOwnUnfit(_logger, OwnPath, string.Join(" ", problems.Found.Select(problem => problem.Message)));
        return own;
    }

    private Current Renew(X509Certificate2? certificate)
    {
        var wanted = _names();
        var facts = certificate is null ? null : new CertificateFacts(
            certificate.NotBefore, certificate.NotAfter, Certificates.NamesIn(certificate), IsSignedByCa(certificate));
        string? reason = ServerCertificatePlan.ReasonToRenew(facts, wanted, _time.GetUtcNow());
        if (reason is null) return certificate == _current?.Certificate ? _current! : new Current(certificate!);
        certificate = Certificates.CreateServer(_ca, wanted, _time.GetUtcNow());
        SecretFile.Write(_serverFile, Encoding.ASCII.GetBytes(ToPem(certificate)));
        LogRenewed(_logger, reason, certificate.NotAfter);
        // The old one is left to the garbage collector: connections may still use it.
        return new Current(certificate);
    }

    private bool IsSignedByCa(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_ca);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
        return chain.Build(certificate);
    }

    private static X509Certificate2? TryLoad(string file) => File.Exists(file) ? FromPem(File.ReadAllText(file)) : null;

    internal static X509Certificate2? FromPem(string pem)
    {
        try
        {
            return X509Certificate2.CreateFromPem(pem, pem);
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    internal static string ToPem(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPrivateKey()!;
        return $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n";
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "Made a new certificate for the API, since {Reason}; it ends on {Ends:yyyy-MM-dd}")]
    private static partial void LogRenewed(ILogger logger, string reason, DateTimeOffset ends);

    [LoggerMessage(Level = LogLevel.Error, Message = "The own certificate in {File} is not used: {Reason}")]
    private static partial void LogOwnUnfit(ILogger logger, string file, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "The API's certificate could not be renewed; it is tried again in an hour")]
    private static partial void LogNotRenewed(ILogger logger, Exception failure);

    private sealed class Current(X509Certificate2 certificate)
    {
        public X509Certificate2 Certificate { get; } = certificate;

        public SslServerAuthenticationOptions Options { get; } = OptionsFor(SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true));
    }
}
