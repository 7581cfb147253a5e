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

    public Task<Operation> CreateAsync(DiskCreate create, CancellationToken cancellationToken) => _connection.CreateAsync(
        ApiPath.Of("disks").With("project", create.Project ?? _connection.Project), create, ApiJson.Default.DiskCreate, ApiJson.Default.Operation, cancellationToken);

    public Task<Disk> UpdateAsync(string name, DiskUpdate update, string? ifMatch, CancellationToken cancellationToken) =>
        _connection.PatchAsync(Path(name), update, ApiJson.Default.DiskUpdate, ApiJson.Default.Disk, ifMatch, cancellationToken);

    public Task<Operation> DeleteAsync(string name, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(Path(name), ApiJson.Default.Operation, cancellationToken);

    public Task<Operation> MoveAsync(string name, DiskMove move, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(name, "move"), move, ApiJson.Default.DiskMove, ApiJson.Default.Operation, cancellationToken);

    /// <summary>What lies in the pools without a record.</summary>
    public IAsyncEnumerable<Orphan> ListOrphansAsync(string? host, CancellationToken cancellationToken) =>
        _connection.ListAsync(ApiPath.Of("orphans").With("host", host), ApiJson.Default.PageOrphan, cancellationToken);

    private string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["disks", .. parts]).With("project", _connection.Project);
}
