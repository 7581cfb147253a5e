namespace Lamina.Api.Client;

/// <summary><c>/v1/bindings</c>.</summary>
public sealed class BindingsClient
{
    private readonly ApiConnection connection;

    internal BindingsClient(ApiConnection connection) => this.connection = connection;

    public IAsyncEnumerable<Binding> ListAsync(CancellationToken cancellationToken) =>
        connection.ListAsync(Path(), ApiJson.Default.PageBinding, cancellationToken);

    public Task<Answer<Binding>> GetAsync(string name, CancellationToken cancellationToken) =>
        connection.GetAsync(Path(name), ApiJson.Default.Binding, cancellationToken);

    public Task<Binding> CreateAsync(Binding binding, CancellationToken cancellationToken) =>
        connection.CreateAsync(Path(), binding, ApiJson.Default.Binding, ApiJson.Default.Binding, cancellationToken);

    public Task DeleteAsync(string id, CancellationToken cancellationToken) => connection.DeleteAsync(Path(id), cancellationToken);

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["bindings", .. parts]);
}
