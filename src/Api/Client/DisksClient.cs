namespace Lamina.Api.Client;

/// <summary><c>/v1/disks</c>.</summary>
public sealed class DisksClient
{
    private readonly ApiConnection _connection;

    internal DisksClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Disk> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageDisk, cancellationToken);

    public Task<Answer<Disk>> GetAsync(string name, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(name), ApiJson.Default.Disk, cancellationToken);

    private string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["disks", .. parts]).With("project", _connection.Project);
}
