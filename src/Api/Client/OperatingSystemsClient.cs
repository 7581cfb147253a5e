namespace Lamina.Api.Client;

/// <summary><c>/v1/operating-systems</c>: what is known of guests' systems.</summary>
public sealed class OperatingSystemsClient
{
    private readonly ApiConnection _connection;

    internal OperatingSystemsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<GuestOperatingSystem> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path().With("limit", "1000"), ApiJson.Default.PageGuestOperatingSystem, cancellationToken);

    public async Task<GuestOperatingSystem> GetAsync(string id, CancellationToken cancellationToken) =>
        (await _connection.GetAsync(Path(id), ApiJson.Default.GuestOperatingSystem, cancellationToken)).Value;

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["operating-systems", .. parts]);
}
