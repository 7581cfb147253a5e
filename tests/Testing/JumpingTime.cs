namespace Lamina.Testing;

/// <summary>A clock whose wall time is set as a machine's is, by hours if need be, while what it measures goes on undisturbed.</summary>
internal sealed class JumpingTime(TimeProvider inner) : TimeProvider
{
    /// <summary>How far the wall clock is ahead.</summary>
    public TimeSpan Ahead { get; set; }

    public override long TimestampFrequency => inner.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => inner.GetUtcNow() + Ahead;

    public override long GetTimestamp() => inner.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => inner.CreateTimer(callback, state, dueTime, period);
}
