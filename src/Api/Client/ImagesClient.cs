namespace Lamina.Api.Client;

/// <summary><c>/v1/images</c>. An image is named by its id or its name (<c>debian/12</c>).</summary>
public sealed class ImagesClient
{
    private readonly ApiConnection _connection;

    internal ImagesClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Image> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageImage, cancellationToken);

    public Task<Answer<Image>> GetAsync(string name, CancellationToken cancellationToken) =>
        _connection.GetAsync(Path(name), ApiJson.Default.Image, cancellationToken);

    public Task<Operation> CreateAsync(ImageCreate create, CancellationToken cancellationToken) => _connection.CreateAsync(
        ApiPath.Of("images").With("project", create.Project ?? _connection.Project), create, ApiJson.Default.ImageCreate, ApiJson.Default.Operation, cancellationToken);

    public IAsyncEnumerable<CatalogueImage> CatalogueAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(ApiPath.Of("image-catalogue").With("project", _connection.Project), ApiJson.Default.PageCatalogueImage, cancellationToken);

    public Task<Operation> DeleteAsync(string name, CancellationToken cancellationToken) =>
        _connection.DeleteAsync(Path(name), ApiJson.Default.Operation, cancellationToken);

    private string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["images", .. parts]).With("project", _connection.Project);
}
