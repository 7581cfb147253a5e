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

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["pools", .. parts]);
}
