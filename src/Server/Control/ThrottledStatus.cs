namespace Lamina.Server.Control;

/// <summary>
/// Keeps a record in the store near the truth without writing more than is worth it (decision 14): a change of meaning is written at once,
/// refreshed figures at most every 2 s, and what has not changed never.
/// </summary>
/// <typeparam name="T">The record.</typeparam>
internal sealed partial class ThrottledStatus<T> : IAsyncDisposable
    where T : class
{
    /// <summary>The least time between two writes of figures only.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private readonly Func<T?, T, StatusDifference> _compare;
    private readonly Func<T, CancellationToken, Task> _write;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly Task _writing;
    private T? _wanted;
    private T? _written;
    private bool _failed;

    /// <param name="compare">What lies between the record last written (null: none yet) and the new one.</param>
    /// <param name="write">Writes it; a failure is logged and tried again after <see cref="Interval"/> with the newest record.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Told of failures.</param>
    public ThrottledStatus(
        Func<T?, T, StatusDifference> compare, Func<T, CancellationToken, Task> write, TimeProvider time, ILogger logger)
    {
        _compare = compare;
        _write = write;
        _time = time;
        _logger = logger;
        _writing = Task.Run(WriteLoopAsync);
    }

    /// <summary>Says what is. Never waits; the newest record wins.</summary>
    public void Offer(T record)
    {
        lock (_gate) _wanted = record;
        Wake();
    }

    /// <summary>Ends without a last write: figures not yet written are not worth one.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _writing;
        _stop.Dispose();
        _wake.Dispose();
    }

    private void Wake()
    {
        lock (_gate)
        {
            if (_wake.CurrentCount == 0) _wake.Release();
        }
    }

    private async Task WriteLoopAsync()
    {
        long? lastWrite = null;
        try
        {
            while (true)
            {
                await _wake.WaitAsync(_stop.Token);
                while (NextDelay(lastWrite) is { } delay)
                {
                    // Woken early by a newer record, which may be a change of meaning.
                    if (delay > TimeSpan.Zero && await WokenWithinAsync(delay)) continue;
                    lastWrite = _time.GetTimestamp();
                    await WriteNewestAsync();
                }
            }
        }
        catch (Exception) when (_stop.IsCancellationRequested)
        {
            // Disposed. A write under way that fails by then is no failure of whoever lets go: figures are not worth one.
        }
    }

    /// <summary>Null: nothing to write. Zero: now.</summary>
    private TimeSpan? NextDelay(long? lastWrite)
    {
        T? wanted;
        lock (_gate) wanted = _wanted;
        if (wanted is null) return null;
        var difference = _compare(_written, wanted);
        if (difference == StatusDifference.None) return null;
        if (lastWrite is null || (difference == StatusDifference.Meaning && !_failed)) return TimeSpan.Zero;
        var left = Interval - _time.GetElapsedTime(lastWrite.Value);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    private async Task<bool> WokenWithinAsync(TimeSpan delay)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var woken = _wake.WaitAsync(either.Token);
        var first = await Task.WhenAny(woken, Task.Delay(delay, _time, either.Token));
        await either.CancelAsync();
        await woken.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Token.ThrowIfCancellationRequested();
        return first == woken || woken.IsCompletedSuccessfully;
    }

    private async Task WriteNewestAsync()
    {
        T record;
        lock (_gate) record = _wanted!;
        try
        {
            await _write(record, _stop.Token);
            _written = record;
            _failed = false;
        }
        catch (Exception failure) when (!_stop.IsCancellationRequested)
        {
            _failed = true;
            LogFailure(_logger, typeof(T).Name, failure);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Record} cannot be written now and is tried again")]
    private static partial void LogFailure(ILogger logger, string record, Exception failure);
}

/// <summary>What lies between two states of a record.</summary>
internal enum StatusDifference
{
    /// <summary>Nothing: not written.</summary>
    None,

    /// <summary>Figures, progress, refreshed times: written at most every 2 s.</summary>
    Figures,

    /// <summary>A person or a controller would act differently: written at once.</summary>
    Meaning,
}
