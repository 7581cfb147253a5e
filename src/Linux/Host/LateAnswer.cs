namespace Lamina.Linux.Host;

/// <summary>
/// Asks what may block for good (KVM_RUN of a broken KVM), on a thread of its own. At most one question is under way: whoever asks while an old one is
/// still without answer gets that one's, without waiting again.
/// </summary>
internal sealed class LateAnswer<T>(string name, Func<T> question)
    where T : class
{
    private readonly Lock _lock = new();
    private Thread? _asking;
    private T? _answer;

    /// <returns>Null: no answer yet.</returns>
    public T? Ask(TimeSpan patience)
    {
        lock (_lock)
        {
            var isNew = _asking is null;
            _asking ??= Start();
            if (!_asking.Join(isNew ? patience : TimeSpan.Zero)) return null;
            _asking = null;
            return _answer;
        }
    }

    private Thread Start()
    {
        var thread = new Thread(() => _answer = question(), maxStackSize: 256 * 1024) { IsBackground = true, Name = name };
        thread.Start();
        return thread;
    }
}
