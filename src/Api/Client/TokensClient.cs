namespace Lamina.Api.Client;

/// <summary><c>/v1/tokens</c>.</summary>
public sealed class TokensClient
{
    private readonly ApiConnection _connection;

    internal TokensClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<ApiToken> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageApiToken, cancellationToken);

    public Task<Answer<ApiToken>> GetAsync(string name, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(name), ApiJson.Default.ApiToken, cancellationToken);

    public Task<TokenCreated> CreateAsync(TokenCreate create, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path(), create, ApiJson.Default.TokenCreate, ApiJson.Default.TokenCreated, cancellationToken);

    public Task DeleteAsync(string id, CancellationToken cancellationToken) => _connection.DeleteAsync(Path(id), cancellationToken);

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["tokens", .. parts]);
}
