namespace Lamina.Api.Client;

/// <summary><c>/v1/hosts</c>.</summary>
public sealed class HostsClient
{
    private readonly ApiConnection _connection;

    internal HostsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Host> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageHost, cancellationToken);

    public Task<Answer<Host>> GetAsync(string name, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(name), ApiJson.Default.Host, cancellationToken);

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["hosts", .. parts]);
}
