using Lamina.Linux.Host;

namespace Lamina.Linux.Cgroups;

/// <summary>What a cgroup folder of version 2 offers, whoever made it.</summary>
internal static class V2Folder
{
    public const string Processes = "cgroup.procs";

    /// <summary>Kills all members at once, also those being born (Linux 5.14 or later). A cgroup that is gone has none.</summary>
    public static void Kill(string folder)
    {
        try
        {
            CgroupFile.Write(Path.Combine(folder, "cgroup.kill"), "1");
        }
        catch (IOException) when (!Directory.Exists(folder))
        {
            // systemd removes a scope in the moment in which its last member ends.
        }
    }

    public static CgroupUsage ReadUsage(string folder)
    {
        string processor = CgroupFile.Read(Path.Combine(folder, "cpu.stat")) ?? "";
        return new(
            Microseconds(ProcFile.Number(processor, "usage_usec")),
            CgroupFile.ReadNumber(Path.Combine(folder, "memory.current")))
        {
            ThrottledTime = Microseconds(ProcFile.Number(processor, "throttled_usec")),
            CpuPressure = Pressure.ReadFile(Path.Combine(folder, "cpu.pressure"))?.Some.Total,
            IoPressure = Pressure.ReadFile(Path.Combine(folder, "io.pressure"))?.Some.Total,
            MemoryPressure = Pressure.ReadFile(Path.Combine(folder, "memory.pressure"))?.Some.Total,
        };
    }

    private static TimeSpan? Microseconds(long? number) => number is { } microseconds ? TimeSpan.FromMicroseconds(microseconds) : null;
}
