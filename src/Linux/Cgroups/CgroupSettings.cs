namespace Lamina.Linux.Cgroups;

/// <summary>Limits in the words of each kind of cgroup: pairs of a file (or property) and its value.</summary>
internal static class CgroupSettings
{
    private const int PeriodMicroseconds = 100_000;

    /// <summary>Documentation/admin-guide/cgroup-v1: files by controller. A v1 share of 1024 is a v2 weight of 100.</summary>
    public static IReadOnlyList<(string Controller, string File, string Value)> ForV1(CgroupLimits limits) =>
    [
        ("cpu", "cpu.cfs_period_us", $"{PeriodMicroseconds}"),
        ("cpu", "cpu.cfs_quota_us", limits.CpuQuotaPercent is { } percent ? $"{QuotaOf(percent)}" : "-1"),
        ("cpu", "cpu.shares", $"{Math.Max(2, (limits.CpuWeight ?? 100) * 1024 / 100)}"),
        ("memory", "memory.limit_in_bytes", limits.MemoryBytes is { } bytes ? $"{bytes}" : "-1"),
        ("pids", "pids.max", limits.Processes is { } processes ? $"{processes}" : "max"),
    ];

    /// <summary>Documentation/admin-guide/cgroup-v2.</summary>
    public static IReadOnlyList<(string File, string Value)> ForV2(CgroupLimits limits) =>
    [
        ("cpu.max", limits.CpuQuotaPercent is { } percent ? $"{QuotaOf(percent)} {PeriodMicroseconds}" : "max"),
        ("cpu.weight", $"{limits.CpuWeight ?? 100}"),
        ("memory.max", limits.MemoryBytes is { } bytes ? $"{bytes}" : "max"),
        ("pids.max", limits.Processes is { } processes ? $"{processes}" : "max"),
    ];

    /// <summary>systemd.resource-control(5).</summary>
    public static IReadOnlyList<string> ForSystemd(CgroupLimits limits) =>
    [
        limits.CpuQuotaPercent is { } percent ? $"CPUQuota={percent}%" : "CPUQuota=",
        $"CPUWeight={limits.CpuWeight ?? 100}",
        limits.MemoryBytes is { } bytes ? $"MemoryMax={bytes}" : "MemoryMax=infinity",
        limits.Processes is { } processes ? $"TasksMax={processes}" : "TasksMax=infinity",
    ];

    /// <summary>The kernel refuses less than one millisecond.</summary>
    private static long QuotaOf(int percent) => Math.Max(1000, (long)percent * PeriodMicroseconds / 100);
}
