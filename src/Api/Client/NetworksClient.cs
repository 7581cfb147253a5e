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

    public Task<Network> CreateAsync(NetworkCreate create, CancellationToken cancellationToken) => _connection.CreateAsync(
        ApiPath.Of("networks").With("project", create.Project ?? _connection.Project), create, ApiJson.Default.NetworkCreate, ApiJson.Default.Network, cancellationToken);

    public Task<Network> UpdateAsync(string name, NetworkUpdate update, string? ifMatch, CancellationToken cancellationToken) =>
        _connection.PatchAsync(Path(name), update, ApiJson.Default.NetworkUpdate, ApiJson.Default.Network, ifMatch, cancellationToken);

    public Task<Operation> DeleteAsync(string name, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(Path(name), ApiJson.Default.Operation, cancellationToken);

    /// <summary>Says that the host is within reach over its new bridge.</summary>
    public Task<Network> ConfirmAsync(string name, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path(name, "confirm"), ApiJson.Default.Network, cancellationToken);

    /// <summary>Tries a move that was taken back once more.</summary>
    public Task<Network> RetryAsync(string name, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path(name, "retry"), ApiJson.Default.Network, cancellationToken);

    public IAsyncEnumerable<NetworkAddress> ListAddressesAsync(string name, CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(name, "addresses"), ApiJson.Default.PageNetworkAddress, cancellationToken);

    public IAsyncEnumerable<NetworkForward> ListForwardsAsync(string name, CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(name, "forwards"), ApiJson.Default.PageNetworkForward, cancellationToken);

    public Task<NetworkForward> AddForwardAsync(string name, ForwardCreate create, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path(name, "forwards"), create, ApiJson.Default.ForwardCreate, ApiJson.Default.NetworkForward, cancellationToken);

    public Task RemoveForwardAsync(string name, string forward, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(Path(name, "forwards", forward), cancellationToken);

    private string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["networks", .. parts]).With("project", _connection.Project);
}
