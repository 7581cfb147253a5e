namespace Lamina.Api.Client;

/// <summary><c>/v1/networks</c>.</summary>
public sealed class NetworksClient
{
    private readonly ApiConnection _connection;

    internal NetworksClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Network> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageNetwork, cancellationToken);

    public Task<Answer<Network>> GetAsync(string name, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(name), ApiJson.Default.Network, cancellationToken);

    private string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["networks", .. parts]).With("project", _connection.Project);
}
