using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Auth;

/// <summary><c>/v1/views</c>: what a user has kept of the web console's tables, so that it is there in every browser. Everybody has and sees his own.</summary>
internal static class ViewEndpoints
{
    public static void Map(ApiRoutes api)
    {
        api.Get("/v1/views", Permission.SignedIn, "Lists one's own views of tables", List).Answers(ApiJson.Default.PageSavedView).Paged().InstallationWide().Problems("view.noUser");
        api.Put("/v1/views/{table}/{view}", Permission.SignedIn, "Keeps a view of a table, in the place of the one of that name", PutAsync)
            .Takes(ApiJson.Default.SavedViewUpdate).Answers(ApiJson.Default.SavedView).InstallationWide().Problems("view.noUser", "view.tooMany");
        api.Delete("/v1/views/{table}/{view}", Permission.SignedIn, "Deletes a view of a table", DeleteAsync).AnswersNothing().InstallationWide()
            .Problems("view.noUser", "view.notFound");
    }

    private static ApiAnswer List(ApiRequest request)
    {
        var own = request.Snapshot.Get(Keys.Views, UserOf(request))?.Record.Views ?? [];
        return ApiAnswer.Ok(request.Page.Cut(own, view => $"{view.Table} {view.Name}"), ApiJson.Default.PageSavedView);
    }

    private static async ValueTask<ApiAnswer> PutAsync(ApiRequest request)
    {
        string user = UserOf(request);
        var body = await request.DraftAsync(ApiJson.Default.SavedViewUpdate);
        var view = new SavedView { Table = request.Route("table"), Name = request.Route("view"), Query = body.Query };
        var present = request.Snapshot.Get(Keys.Views, user);
        var views = ViewRules.With(present?.Record ?? new SavedViews(), view);
        var change = new StoreChange("view.put");
        if (present is null) change.Create(Keys.Views, user, views);
        else change.Update(Keys.Views, user, views, present.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.Ok(view, ApiJson.Default.SavedView), UserEndpoints.Reference(user));
    }

    private static async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        string user = UserOf(request);
        var (table, name) = (request.Route("table"), request.Route("view"));
        if (request.Snapshot.Get(Keys.Views, user) is not { } present || !present.Record.Views.Any(view => view.Table == table && view.Name == name)) throw new ProblemException(
            ProblemKind.NotFound, "view.notFound", $"{user} has no view '{Suggestions.Shorten(name)}' of table '{Suggestions.Shorten(table)}'.", "List them with GET /v1/views.");
        var change = new StoreChange("view.delete").Update(Keys.Views, user, ViewRules.Without(present.Record, table, name), present.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.NoContent(), UserEndpoints.Reference(user));
    }

    /// <exception cref="ProblemException">409: it is no person.</exception>
    private static string UserOf(ApiRequest request) => Authentication.Of(request.Http) is { IsToken: false, User: { } user } ? user
        : throw ProblemException.Conflict("view.noUser", $"{request.Caller.Subject} is no user, and views are kept for users.", "Log in with a name and a password.");
}
