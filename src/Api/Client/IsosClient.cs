namespace Lamina.Api.Client;

/// <summary><c>/v1/isos</c>.</summary>
public sealed class IsosClient
{
    private readonly ApiConnection _connection;

    internal IsosClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Iso> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageIso, cancellationToken);

    public Task<Answer<Iso>> GetAsync(string name, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(name), ApiJson.Default.Iso, cancellationToken);

    public Task<Operation> CreateAsync(IsoCreate create, CancellationToken cancellationToken) => _connection.CreateAsync(
        ApiPath.Of("isos").With("project", create.Project ?? _connection.Project), create, ApiJson.Default.IsoCreate, ApiJson.Default.Operation, cancellationToken);

    public Task<Operation> DeleteAsync(string name, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(Path(name), ApiJson.Default.Operation, cancellationToken);

    private string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["isos", .. parts]).With("project", _connection.Project);
}
