using System.Security.Cryptography.X509Certificates;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;
using ApiRequest = Lamina.Server.Http.ApiRequest;

namespace Lamina.Server.Auth;

/// <summary><c>/v1/certificate</c>: the API's, and an own one beside the installation's.</summary>
internal sealed class CertificateEndpoints(TlsIdentity tls, TimeProvider time)
{
    private static readonly ObjectReference Target = new() { Kind = "certificate", Id = "server" };

    public void Map(ApiRoutes api)
    {
        api.Get("/v1/certificate", Permission.Administer, "Shows the certificate of the API", _ => Answer()).Answers(ApiJson.Default.ServerCertificate).InstallationWide();
        api.Put("/v1/certificate", Permission.Administer, "Sets an own certificate for clients that call the server by its names", SetAsync)
            .Takes(ApiJson.Default.ServerCertificateSet).Answers(ApiJson.Default.ServerCertificate).InstallationWide();
        api.Delete("/v1/certificate", Permission.Administer, "Goes back to the installation's certificate alone", ResetAsync).AnswersNothing().InstallationWide();
    }

    private async ValueTask<ApiAnswer> SetAsync(ApiRequest request)
    {
        var body = await request.BodyAsync(ApiJson.Default.ServerCertificateSet);
        var problems = new InputProblems();
        var own = OwnCertificate.Check(body.CertificatePem, body.PrivateKeyPem, time.GetUtcNow(), problems);
        problems.ThrowIfAny();
        await request.CommitAsync(new StoreChange("certificate.set"), Answer(), Target);
        tls.SetOwn(own!);
        return Answer();
    }

    private async ValueTask<ApiAnswer> ResetAsync(ApiRequest request)
    {
        var answer = await request.CommitAsync(new StoreChange("certificate.reset"), ApiAnswer.NoContent(), Target);
        tls.SetOwn(null);
        return answer;
    }

    private ApiAnswer Answer() => ApiAnswer.Ok(tls.Own is { } own ? View(own.Certificate, true) : View(tls.ServerCertificate, false), ApiJson.Default.ServerCertificate);

    private static ServerCertificate View(X509Certificate2 certificate, bool own) => new()
    {
        Own = own,
        Subject = certificate.Subject,
        Issuer = certificate.Issuer,
        Names = Certificates.NamesIn(certificate),
        NotBefore = certificate.NotBefore,
        NotAfter = certificate.NotAfter,
        Fingerprint = CaPin.Fingerprint(certificate),
    };
}
