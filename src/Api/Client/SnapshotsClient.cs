namespace Lamina.Api.Client;

/// <summary><c>/v1/vms/{vm}/snapshots</c>. A snapshot is named by its id or by its name in its VM.</summary>
public sealed class SnapshotsClient
{
    private readonly ApiConnection _connection;

    internal SnapshotsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Snapshot> ListAsync(string vm, CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(vm), ApiJson.Default.PageSnapshot, cancellationToken);

    public Task<Answer<Snapshot>> GetAsync(string vm, string snapshot, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(vm, snapshot), ApiJson.Default.Snapshot, cancellationToken);

    public Task<Operation> CreateAsync(string vm, SnapshotCreate create, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(vm), create, ApiJson.Default.SnapshotCreate, ApiJson.Default.Operation, cancellationToken);

    public Task<Operation> RestoreAsync(string vm, string snapshot, SnapshotRestore restore, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(vm, snapshot, "restore"), restore, ApiJson.Default.SnapshotRestore, ApiJson.Default.Operation, cancellationToken);

    public Task<Operation> DeleteAsync(string vm, string snapshot, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(Path(vm, snapshot), ApiJson.Default.Operation, cancellationToken);

    private string Path(string vm, params ReadOnlySpan<string> parts) => ApiPath.Of(["vms", vm, "snapshots", .. parts]).With("project", _connection.Project);
}
