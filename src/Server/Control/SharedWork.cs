namespace Lamina.Server.Control;

/// <summary>Work that several ask for at the same time and that is done once: the others wait for the one that began.</summary>
/// <param name="keepsResults">What succeeded is not done again; else it is, for whoever asks later. What failed always is.</param>
internal sealed class SharedWork<T>(bool keepsResults)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Task<T>> _works = new(StringComparer.Ordinal);

    /// <param name="key">Work with the same key is the same.</param>
    /// <param name="work">Nobody's to cancel, since others may wait for it: whoever gives up stops waiting.</param>
    public Task<T> RunAsync(string key, Func<Task<T>> work)
    {
        lock (_lock)
        {
            if (_works.TryGetValue(key, out var known)) return known;
            var begun = Task.Run(() => DoAsync(key, work));
            _works[key] = begun;
            return begun;
        }
    }

    private async Task<T> DoAsync(string key, Func<Task<T>> work)
    {
        bool isKept = false;
        try
        {
            var result = await work();
            isKept = keepsResults;
            return result;
        }
        finally
        {
            if (!isKept) Forget(key);
        }
    }

    private void Forget(string key)
    {
        lock (_lock) _works.Remove(key);
    }
}
