namespace Lamina.Server;

/// <summary>What a daemon has opened: closed last first, at its end or when its start fails midway.</summary>
internal sealed class OpenedParts : IAsyncDisposable
{
    private readonly Stack<object> _parts = new();

    public T Add<T>(T part)
        where T : class
    {
        _parts.Push(part);
        return part;
    }

    public async ValueTask DisposeAsync()
    {
        while (_parts.TryPop(out object? part))
        {
            if (part is IAsyncDisposable asynchronous) await asynchronous.DisposeAsync();
            else (part as IDisposable)?.Dispose();
        }
    }
}
