using Lamina.Linux.Processes;

namespace Lamina.Server;

/// <summary>The host belongs to its guests: what the start or a burst of work took of its memory is given back once the daemon is quiet again.</summary>
internal static class QuietTimes
{
    /// <summary>After the start; its rooms have read what they need by then.</summary>
    private static readonly TimeSpan Settled = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(20);

    /// <summary>Allocated in one interval: as much is no quiet time, and giving back is not worth its while for less.</summary>
    private const long BurstBytes = 16 << 20;

    public static async Task RunAsync(TimeProvider time, CancellationToken stopping)
    {
        await Task.Delay(Settled, time, stopping);
        OwnMemory.GiveBack();
        long given = GC.GetTotalAllocatedBytes(), before = given;
        while (true)
        {
            await Task.Delay(Interval, time, stopping);
            long now = GC.GetTotalAllocatedBytes();
            if (IsQuietAfterBurst(now - before, now - given))
            {
                OwnMemory.GiveBack();
                given = now;
            }

            before = now;
        }
    }

    /// <param name="lately">Bytes allocated in the last interval.</param>
    /// <param name="sinceGiven">Bytes allocated since memory was given back.</param>
    internal static bool IsQuietAfterBurst(long lately, long sinceGiven) => lately < BurstBytes && sinceGiven >= BurstBytes;
}
