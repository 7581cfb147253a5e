using Lamina.Api;
using Lamina.Api.Input;
using Lamina.Server.Control;
using Lamina.Server.Http;

namespace Lamina.Server.Projects;

/// <summary><c>/v1/projects</c>. A project's id is its name; one sees those in which one may view.</summary>
internal static class ProjectEndpoints
{
    private const int LongestDescription = 1000;

    /// <summary>For <c>/v1/watch</c>.</summary>
    public static WatchKind Watch { get; } = new WatchKind<Project>(
        "projects", [Keys.Projects], (snapshot, name) => snapshot.Get(Keys.Projects, name) is { } found ? View(found) : null, project => project.Name, ApiJson.Default.Project);

    public static void Map(ApiRoutes api)
    {
        api.Get("/v1/projects", Permission.SignedIn, "Lists the projects that one may see", List)
            .Answers(ApiJson.Default.PageProject).Paged().InstallationWide();
        api.Get("/v1/projects/{project}", Permission.SignedIn, "Shows a project", Show)
            .Answers(ApiJson.Default.Project).InstallationWide().Problems("project.notFound");
        api.Post("/v1/projects", Permission.Administer, "Creates a project", CreateAsync)
            .Takes(ApiJson.Default.Project).Answers(ApiJson.Default.Project, StatusCodes.Status201Created).InstallationWide()
            .Idempotent((request, id) => ApiAnswer.Ok(View(request.Snapshot.Get(Keys.Projects, id)!), ApiJson.Default.Project))
            .Problems("project.exists");
    }

    private static ApiAnswer List(ApiRequest request) => ApiAnswer.Ok(
        request.Page.Cut(request.Snapshot.All(Keys.Projects).Where(found => MaySee(request, found.Id)).Select(View), project => project.Name),
        ApiJson.Default.PageProject);

    private static ApiAnswer Show(ApiRequest request)
    {
        string name = request.Route("project");
        var project = request.Snapshot.Get(Keys.Projects, name);
        // Whoever may not see it does not learn that it is there.
        return project is not null && MaySee(request, name)
            ? ApiAnswer.Ok(View(project), ApiJson.Default.Project, project)
            : throw new ProblemException(
                ProblemKind.NotFound, "project.notFound", $"There is no project '{Suggestions.Shorten(name)}'.", "List them with 'lamina project list'.");
    }

    private static async ValueTask<ApiAnswer> CreateAsync(ApiRequest request)
    {
        var body = await request.DraftAsync(ApiJson.Default.Project);
        var problems = new InputProblems();
        Names.CheckLabel(body.Name, "$.name", problems);
        if (body.Description?.Length > LongestDescription) problems.Add("$.description", "value.long", $"Use at most {LongestDescription} characters.");
        problems.ThrowIfAny();
        if (request.Snapshot.Get(Keys.Projects, body.Name) is not null)
            throw ProblemException.Conflict("project.exists", $"There is a project '{body.Name}' already.", "Choose another name.");
        var change = new StoreChange("project.create")
            .Create(Keys.Projects, body.Name, new ProjectSpec { Name = body.Name, Description = body.Description });
        return await request.CommitAsync(
            change,
            ApiAnswer.Created(body, ApiJson.Default.Project, ApiPaths.Of("projects", body.Name, null)),
            new ObjectReference { Kind = "project", Id = body.Name, Name = body.Name });
    }

    private static bool MaySee(ApiRequest request, string project) => request.Caller.May(Permission.View, project);

    private static Project View(CachedRecord<ProjectSpec> project) => new() { Name = project.Id, Description = project.Record.Description };
}
