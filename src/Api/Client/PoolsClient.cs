namespace Lamina.Api.Client;

/// <summary><c>/v1/pools</c>.</summary>
public sealed class PoolsClient
{
    private readonly ApiConnection _connection;

    internal PoolsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Pool> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PagePool, cancellationToken);

    public Task<Answer<Pool>> GetAsync(string name, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(name), ApiJson.Default.Pool, cancellationToken);

    public Task<Operation> CreateAsync(PoolCreate create, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(), create, ApiJson.Default.PoolCreate, ApiJson.Default.Operation, cancellationToken);

    public Task<Pool> UpdateAsync(string name, PoolUpdate update, string? ifMatch, CancellationToken cancellationToken) =>
        _connection.PatchAsync(Path(name), update, ApiJson.Default.PoolUpdate, ApiJson.Default.Pool, ifMatch, cancellationToken);

    public Task<Operation> DeleteAsync(string name, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(Path(name), ApiJson.Default.Operation, cancellationToken);

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["pools", .. parts]);
}
