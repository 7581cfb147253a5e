namespace Lamina.Server.Vms.Run;

/// <summary>When the plan of one VM is asked again though nothing has happened, and until when it is not. Touched by the runner's loop only.</summary>
internal sealed class VmPauses(TimeProvider time, Action look) : IAsyncDisposable
{
    /// <summary>After a fault of ours.</summary>
    public static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(1);

    /// <summary>How long to wait for a store that is away; each time in a row twice as long.</summary>
    private static readonly TimeSpan StorePause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestStorePause = TimeSpan.FromSeconds(30);

    private readonly ITimer _timer = time.CreateTimer(_ => look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    private long? _notBefore;
    private TimeSpan _storePause;

    /// <summary>Until then the store is left alone, whatever happens.</summary>
    public bool IsTooEarly()
    {
        if (_notBefore is not { } moment) return false;
        if (time.GetTimestamp() < moment) return true;
        _notBefore = null;
        return false;
    }

    /// <summary>Asks again after this time.</summary>
    public void Again(TimeSpan after)
    {
        // Timers may fire a little early; a look that finds it too early asks again.
        _timer.Change(after > TimeSpan.Zero ? after + TimeSpan.FromMilliseconds(1) : TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
    }

    /// <summary>What a step has heard of the store.</summary>
    public void Heard(bool storeAway)
    {
        _storePause = !storeAway ? TimeSpan.Zero
            : _storePause == TimeSpan.Zero ? StorePause
            : _storePause * 2 < LongestStorePause ? _storePause * 2 : LongestStorePause;
        if (!storeAway) return;
        _notBefore = time.GetTimestamp() + (long)(_storePause.TotalSeconds * time.TimestampFrequency);
        Again(_storePause);
    }

    public ValueTask DisposeAsync() => _timer.DisposeAsync();
}
