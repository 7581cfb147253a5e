using System.Runtime.CompilerServices;

namespace Lamina.Api.Client;

/// <summary><c>/v1/events</c> and <c>/v1/audit</c>: what happened, and who asked for what.</summary>
public sealed class EventsClient
{
    private readonly ApiConnection _connection;

    internal EventsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Event> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(ApiPath.Of("events").With("project", _connection.Project), ApiJson.Default.PageEvent, cancellationToken);

    public IAsyncEnumerable<AuditEntry> ListAuditAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(ApiPath.Of("audit"), ApiJson.Default.PageAuditEntry, cancellationToken);

    /// <summary>Follows the timeline from now on (or after an event's id) and takes it up again where it broke, also over a daemon's restart.</summary>
    public async IAsyncEnumerable<Event> FollowAsync(string? afterId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var stream = new EventStream(_connection, ApiPath.Of("events").With("project", _connection.Project), afterId);
        await foreach (var item in stream.ReadAsync(ApiJson.Default.Event, cancellationToken)) yield return item.Data;
    }
}
