using Grpc.Core;
using Lamina.Server.Store.Etcd.Protocol;

namespace Lamina.Server.Store.Etcd;

/// <summary>
/// One watch of everything that the store writes, on one stream at a time. When its stream breaks it goes on at another member from where it stood.
/// </summary>
/// <remarks>
/// It begins AT the last revision known, which is then left out: had etcd compacted up to the next one, the deletions in it would be missing
/// without a word (etcd issue 19179). Progress comes from revisions, of which every transaction makes one with its nonce, and from etcd's own
/// notices, but is never asked for: until 3.4.25 and 3.5.8 such an answer may overtake the changes before it (etcd issue 15220).
/// </remarks>
internal sealed class EtcdWatch(EtcdCalls calls, EtcdReads reads, EtcdLayout layout, long afterRevision) : IDisposable
{
    private AsyncDuplexStreamingCall<WatchRequest, WatchResponse>? _stream;
    private EtcdConnection? _connection;
    private long _position = afterRevision;

    /// <summary>The next revisions, whole; the last one may have no changes.</summary>
    /// <exception cref="StoreCompactedException">They are no longer held.</exception>
    /// <exception cref="StoreUnavailableException">No member can be watched.</exception>
    public async Task<IReadOnlyList<StoreBatch>> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await ReceiveAsync(cancellationToken) is not { } response)
            {
                _stream = await OpenAsync(cancellationToken);
                continue;
            }

            if (response.CompactRevision > 0) throw new StoreCompactedException(response.CompactRevision);
            if (response.Canceled) Leave();
            else if (BatchesOf(response) is { Count: > 0 } batches) return batches;
        }
    }

    public void Dispose() => _stream?.Dispose();

    /// <summary>Null: there is no stream, or it has broken.</summary>
    private async Task<WatchResponse?> ReceiveAsync(CancellationToken cancellationToken)
    {
        if (_stream is null) return null;
        try
        {
            if (await _stream.ResponseStream.MoveNext(cancellationToken)) return _stream.ResponseStream.Current;
        }
        catch (RpcException)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }

        Leave();
        return null;
    }

    private void Leave()
    {
        _stream?.Dispose();
        _stream = null;
        if (_connection is not null) calls.Endpoints.Leave(_connection);
    }

    private Task<AsyncDuplexStreamingCall<WatchRequest, WatchResponse>> OpenAsync(CancellationToken cancellationToken) => calls.AskAsync(
        async (etcd, options) =>
        {
            // The majority's newest revision, read at this member: it is not behind, and no older state was put in the place of the one known.
            var newest = await etcd.Kv.RangeAsync(new RangeRequest { Key = layout.Everything.From, CountOnly = true }, options);
            reads.Check(newest.Header, _position, etcd.Endpoint);
            _connection = etcd;
            var stream = etcd.Watch.Watch(new CallOptions(EtcdConnection.RequireLeader, null, cancellationToken));
            try
            {
                var create = new WatchCreateRequest
                {
                    Key = layout.Everything.From,
                    RangeEnd = layout.Everything.To,
                    StartRevision = Math.Max(_position, 1),
                    ProgressNotify = true,
                };
                await stream.RequestStream.SayAsync(new WatchRequest { CreateRequest = create }, cancellationToken);
                return stream;
            }
            catch
            {
                stream.Dispose();
                throw;
            }
        },
        cancellationToken);

    private List<StoreBatch> BatchesOf(WatchResponse response)
    {
        var batches = new List<StoreBatch>();
        foreach (var revision in response.Events.GroupBy(change => change.Kv.ModRevision).Where(group => group.Key > _position))
            batches.Add(new StoreBatch(revision.Key, [.. revision.Select(EventOf).OfType<StoreEvent>()]));
        if (batches.Count == 0 && IsProgress(response)) batches.Add(new StoreBatch(response.Header.Revision, []));
        if (batches.Count > 0)
        {
            _position = batches[^1].Revision;
            reads.Saw(_position);
        }

        return batches;
    }

    private bool IsProgress(WatchResponse response) => !response.Created && response.Events.Count == 0 && response.Header.Revision > _position;

    private StoreEvent? EventOf(Event change)
    {
        if (layout.StoreKeyOf(change.Kv.Key) is not { } key) return null;
        return new StoreEvent(key, change.Type == Event.Types.EventType.Delete ? null : layout.ItemOf(change.Kv));
    }
}
