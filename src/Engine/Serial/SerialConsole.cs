using System.Diagnostics.CodeAnalysis;

namespace Lamina.Engine.Serial;

/// <summary>
/// A VM's serial line as many may use it: one reader of the line keeps the last 1 MiB; any number of clients read from there at
/// their own pace and type into it. The line is always read, so the guest never waits for a client.
/// </summary>
[SuppressMessage("Design", "CA1001", Justification = "The semaphore's wait handle is never taken, so nothing is held.")]
public sealed class SerialConsole(int capacity = SerialRing.DefaultCapacity)
{
    private readonly Lock _lock = new();
    private readonly SerialRing _ring = new(capacity);
    private readonly SemaphoreSlim _typing = new(1, 1);
    private TaskCompletionSource? _grown;
    private Stream? _line;
    private bool _ended;

    /// <summary>True while the line is connected, so that input can be typed.</summary>
    public bool IsConnected
    {
        get { lock (_lock) return _line != null; }
    }

    /// <summary>A copy of what is kept, oldest byte first.</summary>
    public byte[] History()
    {
        lock (_lock)
        {
            var copy = new byte[_ring.End - _ring.Start];
            _ring.Read(_ring.Start, copy);
            return copy;
        }
    }

    /// <summary>A new client, which first reads the history if asked to.</summary>
    public SerialClient Attach(bool withHistory)
    {
        lock (_lock) return new SerialClient(this, withHistory ? _ring.Start : _ring.End);
    }

    /// <summary>Reads the line until it closes; what comes is kept and shown to every client. One line at a time.</summary>
    public async Task PumpAsync(Stream line, CancellationToken cancellationToken)
    {
        lock (_lock) _line = line;
        try
        {
            var buffer = new byte[4096];
            int count;
            while ((count = await line.ReadAsync(buffer, cancellationToken)) > 0) Append(buffer.AsSpan(0, count));
        }
        catch (IOException)
        {
            // A broken line is a closed line.
        }
        finally
        {
            lock (_lock) _line = null;
        }
    }

    /// <summary>No more will come: clients read what is left, then the end.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            _ended = true;
            Wake();
        }
    }

    internal async ValueTask<(int Count, long Position, long Skipped)> ReadAsync(long position, Memory<byte> destination,
        CancellationToken cancellationToken)
    {
        while (true)
        {
            Task more;
            lock (_lock)
            {
                var skipped = Math.Max(0, _ring.Start - position);
                position += skipped;
                var count = _ring.Read(position, destination.Span);
                if (count > 0 || _ended) return (count, position + count, skipped);
                _grown ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                more = _grown.Task;
            }
            await more.WaitAsync(cancellationToken);
        }
    }

    internal async ValueTask WriteAsync(ReadOnlyMemory<byte> input, CancellationToken cancellationToken)
    {
        await _typing.WaitAsync(cancellationToken);
        try
        {
            Stream? line;
            lock (_lock) line = _line;
            if (line == null) throw new IOException("The serial line is not connected.");
            await line.WriteAsync(input, cancellationToken);
        }
        finally
        {
            _typing.Release();
        }
    }

    private void Append(ReadOnlySpan<byte> data)
    {
        lock (_lock)
        {
            _ring.Append(data);
            Wake();
        }
    }

    private void Wake()
    {
        _grown?.SetResult();
        _grown = null;
    }
}
