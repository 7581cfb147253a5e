namespace Lamina.Server.Auth;

/// <summary>Allows a burst, then one in each interval. Safe for threads.</summary>
internal sealed class RefillingBucket(int capacity, TimeSpan refill, TimeProvider time)
{
    private readonly Lock _gate = new();
    private double _level = capacity;
    private long _filledAt = time.GetTimestamp();

    public bool TryTake()
    {
        lock (_gate)
        {
            _level = Math.Min(capacity, _level + (time.GetElapsedTime(_filledAt) / refill));
            _filledAt = time.GetTimestamp();
            if (_level < 1) return false;
            _level--;
            return true;
        }
    }
}
