namespace Lamina.Server.Memory;

/// <summary>What a guest was last asked to keep, and when, by both clocks.</summary>
internal sealed record BalloonAsked(long Run, long TargetBytes, DateTimeOffset At, long Timestamp);

/// <summary>Whether what a guest told of its memory holds for the balloon as it is (pure).</summary>
internal static class BalloonRest
{
    /// <summary>A balloon that has not arrived by then does not: the guest has nothing to give.</summary>
    private static readonly TimeSpan LongestWay = TimeSpan.FromSeconds(60);

    /// <summary>Half of the guest's seconds, and the time between its telling and QEMU's.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestAge = TimeSpan.FromMinutes(5);

    /// <param name="asked">The last order; null: there was none in this run.</param>
    /// <param name="leftBytes">What the balloon leaves to it now.</param>
    /// <param name="toldAt">When the guest told, by the host's wall clock.</param>
    /// <param name="answeredAt">When QEMU was asked, by the daemon's clock.</param>
    /// <param name="time">Both clocks.</param>
    public static bool IsTold(BalloonAsked? asked, long leftBytes, DateTimeOffset toldAt, long answeredAt, TimeProvider time)
    {
        if (time.GetElapsedTime(answeredAt) > LongestAge || time.GetUtcNow() - toldAt > LongestAge) return false;
        if (asked is null) return true;
        bool hasArrived = Math.Abs(leftBytes - asked.TargetBytes) < BalloonPolicy.GrainBytes;
        return toldAt >= asked.At + Settling && (hasArrived || time.GetElapsedTime(asked.Timestamp) > LongestWay);
    }
}
