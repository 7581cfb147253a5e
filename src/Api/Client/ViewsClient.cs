namespace Lamina.Api.Client;

/// <summary><c>/v1/views</c>: what one has kept of tables; for who has logged in as a user.</summary>
public sealed class ViewsClient
{
    private readonly ApiConnection _connection;

    internal ViewsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<SavedView> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(ApiPath.Of("views"), ApiJson.Default.PageSavedView, cancellationToken);

    /// <summary>Keeps one, in the place of the one of that name.</summary>
    public Task<SavedView> SaveAsync(string table, string name, SavedViewUpdate view, CancellationToken cancellationToken) =>
        _connection.PutAsync(ApiPath.Of("views", table, name), view, ApiJson.Default.SavedViewUpdate, ApiJson.Default.SavedView, cancellationToken);

    public Task DeleteAsync(string table, string name, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(ApiPath.Of("views", table, name), cancellationToken);
}
