namespace Lamina.Api.Client;

/// <summary><c>/v1/cluster</c>. Founding and joining are asked of the very host that they concern.</summary>
public sealed class ClusterClient
{
    private readonly ApiConnection _connection;

    internal ClusterClient(ApiConnection connection) => _connection = connection;

    public async Task<ClusterStatus> GetAsync(CancellationToken cancellationToken) => (await _connection.GetAsync(Path(), ApiJson.Default.ClusterStatus, cancellationToken)).Value;

    public Task<ClusterStatus> InitAsync(ClusterInit init, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path("init"), init, ApiJson.Default.ClusterInit, ApiJson.Default.ClusterStatus, cancellationToken);

    public Task<ClusterToken> CreateTokenAsync(ClusterTokenCreate create, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path("tokens"), create, ApiJson.Default.ClusterTokenCreate, ApiJson.Default.ClusterToken, cancellationToken);

    public Task<ClusterJoined> JoinAsync(ClusterJoin join, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path("join"), join, ApiJson.Default.ClusterJoin, ApiJson.Default.ClusterJoined, cancellationToken);

    /// <summary>Gives the host that is asked a new certificate among the members.</summary>
    public async Task RotateCertificateAsync(CancellationToken cancellationToken)
    {
        using var answer = await _connection.SendAsync(new ApiRequest(HttpMethod.Post, Path("certificate", "rotate")), cancellationToken);
    }

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["cluster", .. parts]);
}
