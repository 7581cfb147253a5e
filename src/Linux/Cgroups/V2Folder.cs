namespace Lamina.Linux.Cgroups;

/// <summary>What a cgroup folder of version 2 offers, whoever made it.</summary>
internal static class V2Folder
{
    public const string Processes = "cgroup.procs";

    /// <summary>Kills all members at once, also those being born (Linux 5.14 or later).</summary>
    public static void Kill(string folder) => CgroupFile.Write(Path.Combine(folder, "cgroup.kill"), "1");

    public static CgroupUsage ReadUsage(string folder) => new(
        CgroupFile.ReadNumber(Path.Combine(folder, "cpu.stat"), "usage_usec") is { } microseconds ? TimeSpan.FromMicroseconds(microseconds) : null,
        CgroupFile.ReadNumber(Path.Combine(folder, "memory.current")));
}
