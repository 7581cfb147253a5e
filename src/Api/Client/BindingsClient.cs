namespace Lamina.Api.Client;

/// <summary><c>/v1/bindings</c>.</summary>
public sealed class BindingsClient
{
    private readonly ApiConnection _connection;

    internal BindingsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Binding> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageBinding, cancellationToken);

    public Task<Answer<Binding>> GetAsync(string name, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(name), ApiJson.Default.Binding, cancellationToken);

    public Task<Binding> CreateAsync(Binding binding, CancellationToken cancellationToken) =>
        _connection.CreateAsync(Path(), binding, ApiJson.Default.Binding, ApiJson.Default.Binding, cancellationToken);

    public Task DeleteAsync(string id, CancellationToken cancellationToken) => _connection.DeleteAsync(Path(id), cancellationToken);

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["bindings", .. parts]);
}
