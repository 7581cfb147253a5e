using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Http;

namespace Lamina.Server.Support;

/// <summary><c>POST /v1/support-bundle</c>: what another person needs to find a fault, as the answer.</summary>
internal sealed class SupportEndpoints(SupportBundle bundle)
{
    public void Map(ApiRoutes api) => api
        .Raw(HttpMethods.Post, "/v1/support-bundle", Permission.Administer, "Gives an archive for support: facts, records and logs, without secrets", WriteAsync)
        .Query("host", HostEndpoints.HostQuery).OnHost(HostEndpoints.HostNamed)
        .AnswersMedia(Archive.MediaType).InstallationWide();

    private async Task WriteAsync(ApiRequest request)
    {
        try
        {
            await request.CommitAsync(new StoreChange("support.bundle"), ApiAnswer.NoContent() with { Status = StatusCodes.Status200OK }, new ObjectReference { Kind = "supportBundle", Id = "host" });
        }
        catch (Exception away) when (away is Store.StoreUnavailableException or Store.StoreOutcomeUnknownException)
        {
            // That the store does not answer may be the very fault.
        }

        request.Http.Response.ContentType = Archive.MediaType;
        request.Http.Response.Headers.CacheControl = "no-store";
        await bundle.WriteAsync(request.Http.Response.Body, request.Aborted);
    }
}
