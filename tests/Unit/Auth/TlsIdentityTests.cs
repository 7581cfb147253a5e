using System.Net;
using System.Security.Cryptography.X509Certificates;
using Lamina.Server;
using Lamina.Server.Auth;
using Lamina.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Lamina.Tests.Unit.Auth;

public sealed class TlsIdentityTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Now);
    private IReadOnlyList<string> _names = ["server", "localhost", "127.0.0.1", "::1"];

    [Fact]
    public void ADamagedCaIsNeverReplaced()
    {
        File.WriteAllText(_folder.File("ca.pem"), "nonsense");
        Assert.Equal("tls.caInvalid", Assert.Throws<ProblemException>(() => Open()).Code);
        Assert.Equal("nonsense", File.ReadAllText(_folder.File("ca.pem")));
    }

    [Fact]
    public void ARestartChangesNothing()
    {
        using var first = Open();
        string certificate = File.ReadAllText(_folder.File("server.pem"));
        using var second = Open();
        Assert.Equal(first.CaFingerprint, second.CaFingerprint);
        Assert.Equal(certificate, File.ReadAllText(_folder.File("server.pem")));
    }

    [Fact]
    public void KeysAreForRootOnly()
    {
        using var tls = Open();
        Assert.All(["ca.pem", "server.pem"], name =>
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder.File(name))));
    }

    [Fact]
    public void WhatIsServedHoldsNoKey()
    {
        using var tls = Open();
        Assert.DoesNotContain("PRIVATE", tls.CaPem, StringComparison.Ordinal);
    }

    [Fact]
    public void TheCertificateIsOfTheCaAndNamesTheServer()
    {
        using var tls = Open();
        using var ca = X509Certificate2.CreateFromPem(tls.CaPem);
        using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(_folder.File("server.pem")));
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(ca);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = Now.UtcDateTime;
        Assert.True(chain.Build(certificate), string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation)));
        Assert.Equal(_names.Order(), Certificates.NamesIn(certificate).Order());
        Assert.True(certificate.MatchesHostname("127.0.0.1"));
    }

    [Fact]
    public void ItIsRenewedBeforeItEnds()
    {
        using var tls = Open();
        _time.SetUtcNow(tls.ServerCertificateEnds - TimeSpan.FromDays(200));
        Assert.False(tls.RenewIfDue());
        _time.SetUtcNow(tls.ServerCertificateEnds - TimeSpan.FromDays(30));
        Assert.True(tls.RenewIfDue());
        Assert.True(tls.ServerCertificateEnds > _time.GetUtcNow() + TimeSpan.FromDays(300));
    }

    [Fact]
    public void ANewAddressIsTakenInAndAGoneOneChangesNothing()
    {
        using var tls = Open();
        _names = ["server", "localhost"];
        Assert.False(tls.RenewIfDue());
        _names = ["server", "localhost", "192.0.2.9"];
        Assert.True(tls.RenewIfDue());
    }

    [Fact]
    public void ACertificateOfAnotherCaIsReplaced()
    {
        using (Open()) File.Delete(_folder.File("ca.pem"));
        using var tls = Open();
        using var certificate = X509Certificate2.CreateFromPem(File.ReadAllText(_folder.File("server.pem")));
        using var ca = X509Certificate2.CreateFromPem(tls.CaPem);
        Assert.Equal(ca.Subject, certificate.Issuer);
        Assert.False(tls.RenewIfDue());
    }

    [Fact]
    public void OnlyNamesThatACertificateCanBearAreTaken()
    {
        var names = ServerNames.Collect("host-1", [IPAddress.Parse("fe80::1%2"), IPAddress.Parse("192.0.2.1"), IPAddress.Loopback], ["lb.example", "bad name"]);
        Assert.Equal(["lb.example", "host-1", "localhost", "127.0.0.1", "::1", "192.0.2.1"], names);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(200, false)]
    [InlineData(250, true)]
    [InlineData(400, true)]
    [InlineData(-10, true)]
    public void AThirdOfItsLifeBeforeTheEndItIsDue(int day, bool due)
    {
        var facts = day == 0 ? null : new CertificateFacts(Now, Now.AddDays(365), ["a"], SignedByCa: true);
        Assert.Equal(due, ServerCertificatePlan.ReasonToRenew(facts, ["A"], Now.AddDays(day)) is not null);
    }

    public void Dispose() => _folder.Dispose();

    private TlsIdentity Open() => TlsIdentity.Open(_folder.Path, "server", _time, () => _names, NullLogger<TlsIdentity>.Instance);
}
