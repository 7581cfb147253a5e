namespace Lamina.Api.Client;

/// <summary><c>/v1/sessions</c>: logging in and out, and the log-ins that last.</summary>
public sealed class SessionsClient
{
    private readonly ApiConnection _connection;

    internal SessionsClient(ApiConnection connection) => _connection = connection;

    /// <summary>Logs in; the token goes into <see cref="LaminaClientOptions.Token"/> of a new client.</summary>
    public Task<SessionCreated> CreateAsync(SessionCreate create, CancellationToken cancellationToken) => _connection.PostAsync(
        ApiPath.Of("sessions"), create, ApiJson.Default.SessionCreate, ApiJson.Default.SessionCreated, cancellationToken);

    /// <summary>One's own; an administrator's list has everybody's.</summary>
    public IAsyncEnumerable<Session> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(ApiPath.Of("sessions"), ApiJson.Default.PageSession, cancellationToken);

    /// <summary>Ends a session at once.</summary>
    public Task EndAsync(string id, CancellationToken cancellationToken) => _connection.DeleteAsync(ApiPath.Of("sessions", id), cancellationToken);

    /// <summary>Logs this client's session out.</summary>
    public Task DeleteAsync(CancellationToken cancellationToken) => _connection.DeleteAsync(ApiPath.Of("sessions", "current"), cancellationToken);
}
