using System.Globalization;

namespace Lamina.Linux.Host;

/// <summary>What a disk did since the boot (Documentation/admin-guide/iostats.rst).</summary>
public sealed record DiskCounters
{
    /// <summary>The kernel counts in these, whatever the disk's own are.</summary>
    private const int SectorBytes = 512;

    /// <summary>Such as `sda` or `nvme0n1`.</summary>
    public required string Device { get; init; }
    public required long Reads { get; init; }
    public required long ReadBytes { get; init; }
    public required long Writes { get; init; }
    public required long WriteBytes { get; init; }

    /// <summary>How long at least one request was under way.</summary>
    public required TimeSpan BusyTime { get; init; }

    /// <summary>Whole disks with hardware, real or virtual, behind them: no partitions, and nothing that lies on top of others, which would count twice.</summary>
    public static IReadOnlyList<DiskCounters> ReadAll() =>
        [.. Parse(ProcFile.TryRead("/proc/diskstats") ?? "").Where(disk => Directory.Exists($"/sys/block/{disk.Device}/device"))];

    internal static IEnumerable<DiskCounters> Parse(string text)
    {
        foreach (string line in text.Split('\n'))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length < 14) continue;
            yield return new()
            {
                Device = fields[2],
                Reads = Number(fields[3]),
                ReadBytes = Number(fields[5]) * SectorBytes,
                Writes = Number(fields[7]),
                WriteBytes = Number(fields[9]) * SectorBytes,
                BusyTime = TimeSpan.FromMilliseconds(Number(fields[12])),
            };
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
