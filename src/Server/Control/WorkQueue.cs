namespace Lamina.Server.Control;

/// <summary>
/// Keys waiting for work, each at most once; a key that is being worked on is never given to a second worker but kept for after. Safe for threads.
/// </summary>
internal sealed class WorkQueue : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Queue<string> _ready = new();
    private readonly HashSet<string> _waiting = new(StringComparer.Ordinal);
    private readonly HashSet<string> _working = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _available = new(0);

    /// <summary>Asks for work on a key; asking again before it begins changes nothing.</summary>
    public void Add(string key)
    {
        lock (_gate)
        {
            if (!_waiting.Add(key) || _working.Contains(key)) return;
            MakeReady(key);
        }
    }

    /// <summary>Waits for the next key. It must be given back by <see cref="Done"/>.</summary>
    public async Task<string> TakeAsync(CancellationToken cancellationToken)
    {
        await _available.WaitAsync(cancellationToken);
        lock (_gate)
        {
            string key = _ready.Dequeue();
            _waiting.Remove(key);
            _working.Add(key);
            return key;
        }
    }

    /// <summary>The work on a key has ended; if it was asked for meanwhile, it is ready again.</summary>
    public void Done(string key)
    {
        lock (_gate)
        {
            _working.Remove(key);
            if (_waiting.Contains(key)) MakeReady(key);
        }
    }

    public void Dispose() => _available.Dispose();

    private void MakeReady(string key)
    {
        _ready.Enqueue(key);
        _available.Release();
    }
}
