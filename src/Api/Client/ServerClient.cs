using System.Runtime.CompilerServices;

namespace Lamina.Api.Client;

/// <summary>What belongs to no noun: the server's description, one's own rights, and the check-up.</summary>
public sealed class ServerClient
{
    private readonly ApiConnection _connection;

    internal ServerClient(ApiConnection connection) => _connection = connection;

    public async Task<ServerInformation> GetAsync(CancellationToken cancellationToken) =>
        (await _connection.GetAsync("/v1", ApiJson.Default.ServerInformation, cancellationToken)).Value;

    public async Task<WhoAmI> WhoAmIAsync(CancellationToken cancellationToken) =>
        (await _connection.GetAsync(ApiPath.Of("whoami"), ApiJson.Default.WhoAmI, cancellationToken)).Value;

    public async Task<DoctorReport> DoctorAsync(CancellationToken cancellationToken) =>
        (await _connection.GetAsync(ApiPath.Of("doctor"), ApiJson.Default.DoctorReport, cancellationToken)).Value;

    /// <summary>
    /// Follows objects: every one of these kinds, then <see cref="WatchAction.Synced"/>, then changes. When the line breaks, or the daemon ends the
    /// stream, everything comes again from the beginning, announced by <see cref="WatchAction.Resync"/>.
    /// </summary>
    /// <param name="kinds">As in the paths: <c>vms</c>, <c>operations</c>.</param>
    /// <param name="cancellationToken">How following ends.</param>
    public async IAsyncEnumerable<WatchChange> WatchAsync(IReadOnlyList<string> kinds, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string path = ApiPath.Of("watch").With("kinds", string.Join(',', kinds)).With("project", _connection.Project);
        var stream = new EventStream(_connection, path, null);
        string revision = "";
        while (true)
        {
            await foreach (var item in stream.ReadOnceAsync(ApiJson.Default.WatchChange, cancellationToken))
            {
                revision = item.Data.Revision;
                yield return item.Data;
            }

            yield return new WatchChange { Action = WatchAction.Resync, Revision = revision };
        }
    }
}
