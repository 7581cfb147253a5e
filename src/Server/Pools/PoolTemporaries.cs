using System.Collections.Concurrent;

namespace Lamina.Server.Pools;

/// <summary>
/// Which unfinished files and folders (<c>.tmp-…</c>) somebody works on in this daemon. All others were left behind by one that died, and the
/// sweep removes them.
/// </summary>
internal sealed class PoolTemporaries : IDisposable
{
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly ConcurrentDictionary<string, bool> _inUse = new(StringComparer.Ordinal);

    /// <summary>Marks a path as worked on, before it is made; disposing ends that.</summary>
    public async ValueTask<IDisposable> UseAsync(string path, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            _inUse[path] = true;
            return new Use(this, path);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Runs <paramref name="remove"/> unless somebody works on the path, and keeps everybody from beginning to meanwhile.</summary>
    /// <returns>False: it is in use.</returns>
    public async ValueTask<bool> RemoveUnusedAsync(string path, Func<Task> remove, CancellationToken cancellation)
    {
        await _gate.WaitAsync(cancellation);
        try
        {
            if (_inUse.ContainsKey(path)) return false;
            await remove();
            return true;
        }
        finally
        {
            _gate.Release();
        }
    }

    public void Dispose() => _gate.Dispose();

    private sealed class Use(PoolTemporaries owner, string path) : IDisposable
    {
        public void Dispose() => owner._inUse.TryRemove(path, out _);
    }
}
