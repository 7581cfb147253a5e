namespace Lamina.Server.Store;

/// <summary>
/// The newest revisions in memory, so that watchers who keep up need not read the disk, and the bell that tells them of the next. Nobody waits for
/// a slow watcher: it finds the older revisions in the history.
/// </summary>
internal sealed class RevisionLog(long revision, long compacted)
{
    private const int HeldRevisions = 256;
    private const int HeldBytes = 2 * 1024 * 1024;

    private readonly Lock _gate = new();
    private readonly Queue<StoreBatch> _held = new();
    private int _heldBytes;
    private TaskCompletionSource _advanced = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The newest revision that is durable.</summary>
    public long Revision { get; private set; } = revision;

    /// <summary>Changes up to this revision are no longer in the history.</summary>
    public long Compacted { get; private set; } = compacted;

    /// <summary>Adds revisions that are durable, each one the next.</summary>
    public void Publish(IReadOnlyList<StoreBatch> batches)
    {
        if (batches.Count == 0) return;
        lock (_gate)
        {
            foreach (var batch in batches) Hold(batch);
            Advance(batches[^1].Revision);
        }
    }

    /// <summary>Says that revisions up to this one are in the history, though they never passed here.</summary>
    public void Adopt(long revision)
    {
        lock (_gate)
        {
            if (revision <= Revision) return;
            _held.Clear();
            _heldBytes = 0;
            Advance(revision);
        }
    }

    public void SetCompacted(long revision)
    {
        lock (_gate) Compacted = revision;
    }

    /// <summary>What is newer than a position.</summary>
    /// <returns>
    /// The newest revision; the batches after the position, or null when they must be read from the history; and the task that ends when
    /// there is more.
    /// </returns>
    /// <exception cref="StoreCompactedException">They are nowhere any more.</exception>
    public (long Revision, StoreBatch[]? Batches, Task Advanced) Since(long position)
    {
        lock (_gate)
        {
            if (position < Compacted) throw new StoreCompactedException(Compacted);
            if (position >= Revision) return (Revision, [], _advanced.Task);
            bool held = _held.TryPeek(out var oldest) && oldest.Revision <= position + 1;
            return (Revision, held ? [.. _held.Where(batch => batch.Revision > position)] : null, _advanced.Task);
        }
    }

    private void Hold(StoreBatch batch)
    {
        _held.Enqueue(batch);
        _heldBytes += SizeOf(batch);
        while (_held.Count > HeldRevisions || _heldBytes > HeldBytes) _heldBytes -= SizeOf(_held.Dequeue());
    }

    private void Advance(long revision)
    {
        Revision = revision;
        var advanced = _advanced;
        _advanced = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        advanced.SetResult();
    }

    private static int SizeOf(StoreBatch batch) => batch.Changes.Sum(change => change.Key.Length + (change.Item?.Value.Length ?? 0));
}
