using Lamina.Api;
using Lamina.Linux.Files;
using Lamina.Server.Control;

namespace Lamina.Server.Pools;

/// <summary>How a pool's status comes about (pure).</summary>
internal static class PoolStatuses
{
    /// <summary>Free room moves all the time, through logs alone: smaller steps are not worth a write.</summary>
    private const long SmallestStepBytes = 64L << 20;

    /// <summary>The status that is to be recorded.</summary>
    /// <param name="space">Null: the pool cannot be read, for the reason in <paramref name="failure"/>.</param>
    /// <param name="failure">Why; null when it can.</param>
    /// <param name="provisionedBytes">Sum of the sizes that guests see.</param>
    /// <param name="allocatedBytes">What the pool's files occupy.</param>
    public static PoolStatus Make(FileSystemSpace? space, Failure? failure, long provisionedBytes, long allocatedBytes) => new()
    {
        Available = space is not null,
        TotalBytes = space?.TotalBytes ?? 0,
        FreeBytes = space?.AvailableBytes ?? 0,
        ProvisionedBytes = provisionedBytes,
        AllocatedBytes = allocatedBytes,
        Failure = failure,
    };

    /// <summary>Whether a new status is worth writing, and how soon.</summary>
    public static StatusDifference Compare(PoolStatus? before, PoolStatus now)
    {
        if (before is null || before.Available != now.Available || before.TotalBytes != now.TotalBytes || before.Failure?.Code != now.Failure?.Code || before.FileSystem != now.FileSystem || before.Wall != now.Wall || before.DirectIo != now.DirectIo)
            return StatusDifference.Meaning;
        var step = Math.Max(SmallestStepBytes, now.TotalBytes / 1000);
        var moved = Math.Abs(before.FreeBytes - now.FreeBytes) >= step || Math.Abs(before.AllocatedBytes - now.AllocatedBytes) >= step;
        return moved || before.ProvisionedBytes != now.ProvisionedBytes ? StatusDifference.Figures : StatusDifference.None;
    }
}
