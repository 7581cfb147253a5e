using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Lamina.Linux.Files;

namespace Lamina.Server.Auth;

/// <summary>
/// This host's certificate among the members of its cluster, and the trust in theirs. Renewed when a third of its life is left, or when the host gets another
/// address; new connections use the new one at once. etcd reads the same files: they are replaced whole.
/// </summary>
internal sealed partial class HostCertificate : IDisposable
{
    private const string Title = "host.pem";
    private const string CaTitle = "ca-certificate.pem";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly TlsIdentity _tls;
    private readonly string _folder;
    private readonly Func<IReadOnlyList<string>> _names;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly X509Certificate2 _ca;
    private X509Certificate2 _current;

    /// <param name="tls">Whose CA signs.</param>
    /// <param name="folder">Root-only.</param>
    /// <param name="hostId">This host's.</param>
    /// <param name="names">Addresses by which it can be called now; the own address in the cluster first.</param>
    /// <param name="time">Wall time.</param>
    /// <param name="logger">Told of renewals.</param>
    public HostCertificate(TlsIdentity tls, string folder, string hostId, Func<IReadOnlyList<string>> names, TimeProvider time, ILogger<HostCertificate> logger)
    {
        _tls = tls;
        _folder = folder;
        HostId = hostId;
        _names = names;
        _time = time;
        _logger = logger;
        _ca = X509Certificate2.CreateFromPem(tls.CaPem);
        _current = Ensure(TryLoad());
        string caFile = CaFileIn(folder);
        if (!File.Exists(caFile) || File.ReadAllText(caFile) != tls.CaPem) DurableFile.Write(caFile, Encoding.ASCII.GetBytes(tls.CaPem), OwnerOnly);
    }

    public string HostId { get; }

    /// <summary>With its private key.</summary>
    public X509Certificate2 Current => Volatile.Read(ref _current);

    /// <summary>Certificate and key in one file, so that no reader sees one of them new and the other old.</summary>
    public static string FileIn(string folder) => Path.Combine(folder, Title);

    /// <summary>The CA without its key.</summary>
    public static string CaFileIn(string folder) => Path.Combine(folder, CaTitle);

    /// <summary>The host behind a certificate of this cluster; null: it is none of one.</summary>
    public string? HostIdOf(X509Certificate2? shown) => PeerTrust.HostIdOf(_ca, shown, _time.GetUtcNow());

    /// <summary>How another host is called: it must be that one.</summary>
    public SslClientAuthenticationOptions ClientOptions(string hostId) => new()
    {
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        LocalCertificateSelectionCallback = (_, _, _, _, _) => Current,
        // Who it is decides, not by which address it was called.
        RemoteCertificateValidationCallback = (_, shown, _, _) => HostIdOf(shown as X509Certificate2) == hostId,
    };

    /// <summary>How others are answered: they show a certificate of a host, or none and get next to nothing.</summary>
    public SslServerAuthenticationOptions ServerOptions() => new()
    {
        ServerCertificateContext = SslStreamCertificateContext.Create(Current, additionalCertificates: null, offline: true),
        EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
        ClientCertificateRequired = true,
        RemoteCertificateValidationCallback = (_, shown, _, _) => shown is null || HostIdOf(shown as X509Certificate2) is not null,
    };

    /// <summary>Returns whether there is a new one.</summary>
    public bool RenewIfDue()
    {
        var before = Current;
        Volatile.Write(ref _current, Ensure(before));
        return !ReferenceEquals(before, Current);
    }

    /// <summary>Makes a new one, due or not. The old one holds until it ends.</summary>
    public void Rotate() => Volatile.Write(ref _current, Make("it was asked for"));

    public void Dispose() => _ca.Dispose();

    private X509Certificate2 Ensure(X509Certificate2? found)
    {
        bool isOwn = HostIdOf(found) == HostId;
        var facts = found is null ? null : new CertificateFacts(found.NotBefore, found.NotAfter, Certificates.NamesIn(found), isOwn || found.NotAfter <= _time.GetUtcNow().LocalDateTime);
        return ServerCertificatePlan.ReasonToRenew(facts, _names(), _time.GetUtcNow()) is { } reason ? Make(reason) : found!;
    }

    private X509Certificate2 Make(string reason)
    {
        var made = _tls.SignHost(HostId, _names());
        SecretFile.Write(FileIn(_folder), Encoding.ASCII.GetBytes(TlsIdentity.ToPem(made)));
        LogRenewed(_logger, reason, made.NotAfter);
        return made;
    }

    private X509Certificate2? TryLoad() => File.Exists(FileIn(_folder)) ? TlsIdentity.FromPem(File.ReadAllText(FileIn(_folder))) : null;

    [LoggerMessage(Level = LogLevel.Information, Message = "Made a new certificate of this host, since {Reason}; it ends on {Ends:yyyy-MM-dd}")]
    private static partial void LogRenewed(ILogger logger, string reason, DateTimeOffset ends);
}
