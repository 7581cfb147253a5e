namespace Lamina.Server.Migration;

/// <summary>For how long something has been as it is, by this daemon's clock.</summary>
internal sealed class HandoverClock<T>(TimeProvider time, T first)
{
    private T _now = first;
    private long _since = time.GetTimestamp();

    public TimeSpan Since(T now)
    {
        if (!EqualityComparer<T>.Default.Equals(now, _now)) (_now, _since) = (now, time.GetTimestamp());
        return time.GetElapsedTime(_since);
    }
}
