using System.Text;
using Lamina.Server.Http;

namespace Lamina.Server.Auth;

/// <summary><c>GET /v1/ca</c>: public, so that a client can compare its fingerprint with the one printed here and pin it.</summary>
internal static class CaEndpoints
{
    private const string MediaType = "application/x-pem-file";

    public static void Map(ApiRoutes api, TlsIdentity tls) =>
        api.Raw(HttpMethods.Get, "/v1/ca", Permission.Public, "Gives the installation's CA certificate", async request =>
        {
            byte[] pem = Encoding.ASCII.GetBytes(tls.CaPem);
            request.Http.Response.ContentType = MediaType;
            request.Http.Response.ContentLength = pem.Length;
            await request.Http.Response.Body.WriteAsync(pem, request.Aborted);
        }).AnswersMedia(MediaType).InstallationWide();
}
