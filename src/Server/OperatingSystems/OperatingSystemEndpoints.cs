using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Http;

namespace Lamina.Server.OperatingSystems;

/// <summary><c>/v1/operating-systems</c>: what is known of guests' systems, and what a VM of each gets by default.</summary>
internal sealed class OperatingSystemEndpoints(OperatingSystemDatabase database)
{
    public void Map(ApiRoutes api)
    {
        api.Get("/v1/operating-systems", Permission.View, "Lists the operating systems that are known", List)
            .InstallationWide().Paged().Filtered("id", "family").Answers(ApiJson.Default.PageGuestOperatingSystem);
        api.Get("/v1/operating-systems/{os}", Permission.View, "Shows an operating system, by a short id", Show)
            .InstallationWide().Answers(ApiJson.Default.GuestOperatingSystem).Problems("os.notFound");
    }

    private ApiAnswer List(ApiRequest request) => ApiAnswer.Ok(
        request.Page.Cut(database.Catalogue.All.Where(system => request.Passes("id", system.Id) && request.Passes("family", system.Family)), system => system.Id),
        ApiJson.Default.PageGuestOperatingSystem);

    private ApiAnswer Show(ApiRequest request)
    {
        string id = request.Route("os");
        return database.Catalogue.Find(id) is { } system
            ? ApiAnswer.Ok(system, ApiJson.Default.GuestOperatingSystem)
            : throw new ProblemException(ProblemKind.NotFound, "os.notFound", $"No operating system '{Suggestions.Shorten(id)}' is known.", OperatingSystemWords.Remedy(database.Catalogue, id));
    }
}
