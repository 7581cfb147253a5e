using System.Threading.Channels;

namespace Lamina.Server.Control;

/// <summary>
/// A bounded line of changes from the cache to one reader. A reader too slow for it loses the waiting batches and gets one with
/// <see cref="CacheBatch.Resync"/> in their place; the cache never waits for a reader.
/// </summary>
internal sealed class CacheSubscription : IDisposable
{
    private readonly Channel<CacheBatch> _channel;
    private readonly HashSet<RecordKind> _kinds;
    private readonly Action<CacheSubscription> _leave;

    internal CacheSubscription(CacheSnapshot start, IReadOnlyList<RecordKind> kinds, int capacity, Action<CacheSubscription> leave)
    {
        Start = start;
        _kinds = [.. kinds];
        _leave = leave;
        _channel = Channel.CreateBounded<CacheBatch>(new BoundedChannelOptions(capacity) { SingleWriter = true });
    }

    /// <summary>The state at the moment of subscribing; the batches go on from it.</summary>
    public CacheSnapshot Start { get; }

    /// <summary>Batches in order of revision, those that change none of the kinds left out. Ends when the subscription or the cache is disposed.</summary>
    public IAsyncEnumerable<CacheBatch> ReadAllAsync(CancellationToken cancellationToken = default) =>
        _channel.Reader.ReadAllAsync(cancellationToken);

    /// <summary>Waits for the next batch and takes with it all that wait by then. Empty: the subscription or the cache has ended, or it is cancelled.</summary>
    public async Task<IReadOnlyList<CacheBatch>> ReadWaitingAsync(CancellationToken cancellationToken)
    {
        var batches = new List<CacheBatch>();
        try
        {
            while (batches.Count == 0 && await _channel.Reader.WaitToReadAsync(cancellationToken))
            {
                while (_channel.Reader.TryRead(out var batch)) batches.Add(batch);
            }
        }
        catch (OperationCanceledException)
        {
            // As an end.
        }

        return batches;
    }

    public void Dispose() => _leave(this);

    internal void Offer(CacheBatch batch)
    {
        CacheChange[] changes = [.. batch.Changes.Where(change => _kinds.Contains(change.Kind))];
        if (changes.Length == 0) return;
        if (_channel.Writer.TryWrite(batch with { Changes = changes })) return;
        while (_channel.Reader.TryRead(out _))
        {
        }

        _channel.Writer.TryWrite(new CacheBatch { Snapshot = batch.Snapshot, Resync = true });
    }

    internal void End() => _channel.Writer.TryComplete();
}
