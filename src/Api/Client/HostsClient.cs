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

    /// <summary>Lets all guests of a host power off, before the host does.</summary>
    public Task<Operation> ShutdownGuestsAsync(string name, GuestsShutdownRequest request, CancellationToken cancellationToken) =>
        _connection.PostAsync(Path(name, "shutdown-guests"), request, ApiJson.Default.GuestsShutdownRequest, ApiJson.Default.Operation, cancellationToken);

    private static string Path(params ReadOnlySpan<string> parts) => ApiPath.Of(["hosts", .. parts]);
}
