using System.Security.Cryptography.X509Certificates;
using Lamina.Server.Auth;
using Lamina.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Unit.Auth;

public sealed class HostCertificateTests : IDisposable
{
    private const string HostId = "00000000-0000-0000-0000-000000000001";

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(56));
    private readonly TlsIdentity _tls;
    private IReadOnlyList<string> _names = ["10.0.0.1"];

    public HostCertificateTests() => _tls = Tls("a");

    [Fact]
    public void NobodyWithoutACertificateOfTheCaIsAHost()
    {
        using var certificate = Open();
        using var stranger = Tls("b");
        using var elsewhere = stranger.SignHost(HostId, _names);
        Assert.Null(certificate.HostIdOf(null));
        Assert.Null(certificate.HostIdOf(elsewhere));
        // The API's own certificate is of this CA, but no host's: its name could be anything.
        Assert.Null(certificate.HostIdOf(_tls.ServerCertificate));
    }

    [Fact]
    public void AHostIsKnownByItsId()
    {
        using var certificate = Open();
        using var other = _tls.SignHost("00000000-0000-0000-0000-000000000002", ["10.0.0.2"]);
        Assert.Equal(HostId, certificate.HostIdOf(certificate.Current));
        Assert.Equal("00000000-0000-0000-0000-000000000002", certificate.HostIdOf(other));
    }

    [Fact]
    public void AnEndedCertificateIsNobodys()
    {
        using var certificate = Open();
        _time.Advance(TimeSpan.FromDays(366));
        Assert.Null(certificate.HostIdOf(certificate.Current));
    }

    [Fact]
    public void ItIsRenewedInTimeAndForAnotherAddressAndElseKept()
    {
        using var certificate = Open();
        Assert.False(certificate.RenewIfDue());
        using (var again = Open()) Assert.Equal(certificate.Current.SerialNumber, again.Current.SerialNumber);
        _time.Advance(TimeSpan.FromDays(300));
        Assert.True(certificate.RenewIfDue());
        _names = ["10.0.0.9"];
        Assert.True(certificate.RenewIfDue());
        Assert.Equal(HostId, certificate.HostIdOf(certificate.Current));
    }

    [Fact]
    public void CertificateAndKeyAreOneFileForRootOnlyAndTheCaBesideItHoldsNoKey()
    {
        using var certificate = Open();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(HostCertificate.FileIn(_folder.Path)));
        using var read = X509Certificate2.CreateFromPemFile(HostCertificate.FileIn(_folder.Path), HostCertificate.FileIn(_folder.Path));
        Assert.True(read.HasPrivateKey);
        Assert.DoesNotContain("PRIVATE", File.ReadAllText(HostCertificate.CaFileIn(_folder.Path)), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _tls.Dispose();
        _folder.Dispose();
    }

    private HostCertificate Open() => new(_tls, _folder.Path, HostId, () => _names, _time, NullLogger<HostCertificate>.Instance);

    private TlsIdentity Tls(string folder) => TlsIdentity.Open(_folder.File(folder), "test", _time, () => ["server"], NullLogger<TlsIdentity>.Instance);
}
