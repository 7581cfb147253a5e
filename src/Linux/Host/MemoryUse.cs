namespace Lamina.Linux.Host;

/// <summary>How the memory of this machine is used (/proc/meminfo, /proc/vmstat).</summary>
public sealed record MemoryUse
{
    private const int PageBytes = 4096;

    public required long TotalBytes { get; init; }

    /// <summary>What new programs can get without swapping, by the kernel's estimate.</summary>
    public required long AvailableBytes { get; init; }
    public long FreeBytes { get; init; }

    /// <summary>Page cache and buffers; the memory of guests, which is shared, is not in it.</summary>
    public long CachedBytes { get; init; }

    /// <summary>Shared memory, that of guests above all.</summary>
    public long SharedBytes { get; init; }
    public long SwapTotalBytes { get; init; }
    public long SwapFreeBytes { get; init; }

    /// <summary>Since the boot.</summary>
    public long SwappedInBytes { get; init; }
    public long SwappedOutBytes { get; init; }

    /// <summary>Processes that the kernel ended for want of memory, since the boot.</summary>
    public long OomKills { get; init; }

    public static MemoryUse Read() => Parse(File.ReadAllText("/proc/meminfo"), ProcFile.TryRead("/proc/vmstat") ?? "");

    internal static MemoryUse Parse(string memory, string paging)
    {
        long shared = KiB(memory, "Shmem");
        return new()
        {
            TotalBytes = ProcFile.Number(memory, "MemTotal") * 1024 ?? throw new InvalidDataException("/proc/meminfo has no line MemTotal"),
            AvailableBytes = ProcFile.Number(memory, "MemAvailable") * 1024 ?? throw new InvalidDataException("/proc/meminfo has no line MemAvailable"),
            FreeBytes = KiB(memory, "MemFree"),
            CachedBytes = Math.Max(0, KiB(memory, "Cached") + KiB(memory, "Buffers") - shared),
            SharedBytes = shared,
            SwapTotalBytes = KiB(memory, "SwapTotal"),
            SwapFreeBytes = KiB(memory, "SwapFree"),
            SwappedInBytes = (ProcFile.Number(paging, "pswpin") ?? 0) * PageBytes,
            SwappedOutBytes = (ProcFile.Number(paging, "pswpout") ?? 0) * PageBytes,
            OomKills = ProcFile.Number(paging, "oom_kill") ?? 0,
        };
    }

    private static long KiB(string text, string name) => (ProcFile.Number(text, name) ?? 0) * 1024;
}
