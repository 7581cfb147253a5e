using System.Runtime.CompilerServices;

namespace Lamina.Api.Client;

/// <summary><c>/v1/events</c> and <c>/v1/audit</c>: what happened, and who asked for what.</summary>
public sealed class EventsClient
{
    private readonly ApiConnection _connection;

    internal EventsClient(ApiConnection connection) => _connection = connection;

    public IAsyncEnumerable<Event> ListAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(Path(), ApiJson.Default.PageEvent, cancellationToken);

    public IAsyncEnumerable<AuditEntry> ListAuditAsync(CancellationToken cancellationToken) =>
        _connection.ListAsync(ApiPath.Of("audit"), ApiJson.Default.PageAuditEntry, cancellationToken);

    /// <summary>The newest events, oldest first.</summary>
    public async Task<IReadOnlyList<Event>> TailAsync(int count, CancellationToken cancellationToken) =>
        (await _connection.GetAsync(Path().With("tail", count.ToString()), ApiJson.Default.PageEvent, cancellationToken)).Value.Items;

    /// <summary>
    /// Follows the timeline after an event's id and takes it up again where it broke, also over a daemon's restart. Null: from now on; a line
    /// that breaks before the first event may then lose what happens meanwhile.
    /// </summary>
    public async IAsyncEnumerable<Event> FollowAsync(string? afterId, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var stream = new EventStream(_connection, Path(), afterId);
        await foreach (var item in stream.ReadAsync(ApiJson.Default.Event, cancellationToken)) yield return item.Data;
    }

    private string Path() => ApiPath.Of("events").With("project", _connection.Project);
}
