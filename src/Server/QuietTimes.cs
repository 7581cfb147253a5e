using Lamina.Linux.Processes;

namespace Lamina.Server;

/// <summary>The host belongs to its guests: what the start or a burst of work took of its memory is given back once the daemon is quiet again.</summary>
internal static class QuietTimes
{
    /// <summary>After the start; its rooms have read what they need by then.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(20);

    /// <summary>Giving back is not worth its while for less. Of what is allocated little stays; it tells how much was done.</summary>
    private const long BurstBytes = 32 << 20;

    /// <summary>Of one core. The metrics of a hundred guests take 0.02.</summary>
    private const double QuietShare = 0.1;

    public static async Task RunAsync(TimeProvider time, CancellationToken stopping)
    {
        await Task.Delay(Settled, time, stopping);
        OwnMemory.GiveBack();
        long given = GC.GetTotalAllocatedBytes();
        var spent = Environment.CpuUsage.TotalTime;
        while (true)
        {
            await Task.Delay(Interval, time, stopping);
            var (now, spentNow) = (GC.GetTotalAllocatedBytes(), Environment.CpuUsage.TotalTime);
            if (IsQuietAfterBurst((spentNow - spent) / Interval, now - given))
            {
                OwnMemory.GiveBack();
                given = now;
            }

            spent = spentNow;
        }
    }

    /// <param name="share">Of one core, in the last interval.</param>
    /// <param name="sinceGiven">Bytes allocated since memory was given back.</param>
    internal static bool IsQuietAfterBurst(double share, long sinceGiven) => share < QuietShare && sinceGiven >= BurstBytes;
}
