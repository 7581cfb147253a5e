namespace Lamina.Api.Client;

/// <summary><c>/v1/projects</c>.</summary>
public sealed class ProjectsClient
{
    private readonly ApiConnection _connection;

    internal ProjectsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Project> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageProject, cancellationToken);

    public Task<Answer<Project>> GetAsync(string name, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(name), ApiJson.Default.Project, cancellationToken);

    public Task<Project> CreateAsync(Project project, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(), project, ApiJson.Default.Project, ApiJson.Default.Project, cancellationToken);

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["projects", .. parts]);
}
