using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Auth;
using Xunit;

namespace Lamina.Tests.Unit.Auth;

public class OwnCertificateTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void What_is_no_certificate_or_no_key_is_refused_with_both_paths()
    {
        var problems = Check("nonsense", "nonsense", Now);
        Assert.Equal(["$.certificatePem", "$.privateKeyPem"], problems.Select(problem => problem.Path));
    }

    [Fact]
    public void The_key_of_another_certificate_is_refused()
    {
        var (pem, _) = Make("server.example");
        var (_, key) = Make("server.example");
        Assert.Equal("certificate.keyMismatch", Assert.Single(Check(pem, key, Now)).Code);
    }

    [Fact]
    public void An_encrypted_key_is_refused_with_the_way_to_decrypt_it()
    {
        var (pem, _) = Make("server.example");
        Assert.Equal("certificate.keyEncrypted", Assert.Single(Check(pem, "-----BEGIN ENCRYPTED PRIVATE KEY-----", Now)).Code);
    }

    [Fact]
    public void One_that_has_ended_is_refused()
    {
        var (pem, key) = Make("server.example");
        Assert.Contains(Check(pem, key, Now.AddYears(30)), problem => problem.Code == "certificate.ended");
    }

    [Theory]
    [InlineData("server.example", true)]
    [InlineData("SERVER.example", true)]
    [InlineData("any.wild.example", true)]
    [InlineData("a.b.wild.example", false)]
    [InlineData("wild.example", false)]
    [InlineData("other.example", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void It_is_shown_to_those_who_ask_for_one_of_its_names(string? asked, bool shown)
    {
        var (pem, key) = Make("server.example", "*.wild.example");
        Assert.Equal(shown, OwnCertificate.Check(pem, key, Now, new InputProblems())!.Serves(asked));
    }

    private static IReadOnlyList<InputProblem> Check(string pem, string key, DateTimeOffset now)
    {
        var problems = new InputProblems();
        Assert.Null(OwnCertificate.Check(pem, key, now, problems));
        return problems.Found;
    }

    private static (string Pem, string Key) Make(params string[] names)
    {
        using var ca = Certificates.CreateCa("Test CA", Now);
        using var made = Certificates.CreateServer(ca, names, Now);
        using var key = made.GetECDsaPrivateKey()!;
        return (made.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
