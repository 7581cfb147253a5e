using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Auth;

/// <summary><c>/v1/bindings</c>: who has which role where. An administrator of a project binds roles in it.</summary>
internal static class BindingEndpoints
{
    public static void Map(ApiRoutes api)
    {
        api.Get("/v1/bindings", Permission.SignedIn, "Lists role bindings of the scopes that one administers", List)
            .Answers(ApiJson.Default.PageBinding).Paged().Filtered("subject", "scope").InstallationWide();
        api.Get("/v1/bindings/{binding}", Permission.SignedIn, "Shows a role binding", request => ApiAnswer.Ok(View(Find(request)), ApiJson.Default.Binding))
            .Answers(ApiJson.Default.Binding).InstallationWide();
        api.Post("/v1/bindings", Permission.SignedIn, "Gives a role in a scope; it replaces the one had there", CreateAsync)
            .Takes(ApiJson.Default.Binding).Answers(ApiJson.Default.Binding, StatusCodes.Status201Created).InstallationWide()
            .Idempotent((request, id) => ApiAnswer.Ok(View(request.Snapshot.Get(Keys.Bindings, id)!), ApiJson.Default.Binding));
        api.Delete("/v1/bindings/{binding}", Permission.SignedIn, "Takes a role back", DeleteAsync)
            .AnswersNothing().InstallationWide().Problems("user.lastAdmin");
    }

    public static void Put(StoreChange change, string subject, Role role, string scope) => change.Put(
        Keys.Bindings, BindingRules.IdOf(subject, scope), new RoleBinding { Subject = subject, Role = role, Scope = scope });

    public static ProblemException LastAdmin(string user) => ProblemException.Conflict(
        "user.lastAdmin", $"Without '{user}' nobody could administer this installation by logging in.", "Give another user the role admin in scope * first.");

    private static ApiAnswer List(ApiRequest request)
    {
        var shown = request.Snapshot.All(Keys.Bindings)
            .Where(binding => MayAdminister(request, binding.Record.Scope))
            .Where(binding => request.Passes("subject", binding.Record.Subject) && request.Passes("scope", binding.Record.Scope))
            .Select(View);
        return ApiAnswer.Ok(request.Page.Cut(shown, binding => $"{binding.Subject} {binding.Scope}"), ApiJson.Default.PageBinding);
    }

    private static async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.Binding);
        request.Caller.Require(Permission.Administer, ProjectOf(body.Scope));
        var problems = new InputProblems();
        BindingRules.Check(request.Snapshot, body, problems);
        problems.ThrowIfAny();
        string id = BindingRules.IdOf(body.Subject, body.Scope);
        if (body.Role != Role.Admin && BindingRules.LeavesNoAdmin(request.Snapshot, id, null)) throw LastAdmin(body.Subject);
        var change = new StoreChange("binding.create");
        Put(change, body.Subject, body.Role, body.Scope);
        var made = body with { Id = id };
        return await request.CommitAsync(
            change, ApiAnswer.Created(made, ApiJson.Default.Binding, ApiPaths.Of("bindings", id, null)), Reference(made));
    }

    private static async ValueTask<ApiAnswer> DeleteAsync(ApiRequest request)
    {
        var binding = Find(request);
        if (BindingRules.LeavesNoAdmin(request.Snapshot, binding.Id, null)) throw LastAdmin(binding.Record.Subject);
        var change = new StoreChange("binding.delete").Delete(Keys.Bindings[binding.Id], binding.ModRevision);
        return await request.CommitAsync(change, ApiAnswer.NoContent(), Reference(View(binding)));
    }

    private static CachedRecord<RoleBinding> Find(ApiRequest request)
    {
        string id = request.Route("binding");
        var binding = request.Snapshot.Get(Keys.Bindings, id);
        // Whoever may not administer its scope does not learn that it is there.
        return binding is not null && MayAdminister(request, binding.Record.Scope) ? binding : throw new ProblemException(
            ProblemKind.NotFound, "binding.notFound", $"There is no binding '{Suggestions.Shorten(id)}'.", "List them with GET /v1/bindings.");
    }

    private static bool MayAdminister(ApiRequest request, string scope) => request.Caller.May(Permission.Administer, ProjectOf(scope));

    private static string? ProjectOf(string scope) => scope == Rights.EveryScope ? null : scope;

    private static Binding View(CachedRecord<RoleBinding> binding) =>
        new() { Id = binding.Id, Subject = binding.Record.Subject, Role = binding.Record.Role, Scope = binding.Record.Scope };

    private static ObjectReference Reference(Binding binding) =>
        new() { Kind = "binding", Id = binding.Id!, Name = $"{binding.Subject} {binding.Role} {binding.Scope}" };
}
