namespace Lamina.Api.Client;

/// <summary><c>/v1/disks</c>.</summary>
public sealed class DisksClient
{
    private readonly ApiConnection connection;

    internal DisksClient(ApiConnection connection) => this.connection = connection;

    public IAsyncEnumerable<Disk> ListAsync(CancellationToken cancellationToken) =>
        connection.ListAsync(Path(), ApiJson.Default.PageDisk, cancellationToken);

    public Task<Answer<Disk>> GetAsync(string name, CancellationToken cancellationToken) =>
        connection.GetAsync(Path(name), ApiJson.Default.Disk, cancellationToken);

    private string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["disks", .. parts]).With("project", connection.Project);
}
