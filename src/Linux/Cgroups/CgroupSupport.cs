namespace Lamina.Linux.Cgroups;

/// <summary>Whether this machine can limit VMs by cgroups.</summary>
/// <param name="Kind">"cgroup v1", "cgroup v2", "systemd scopes on cgroup v2".</param>
/// <param name="Missing">Controllers that are needed and not there.</param>
public sealed record CgroupSupport(string Kind, IReadOnlyList<string> Missing)
{
    private static readonly string[] Needed = ["cpu", "memory", "pids"];

    public static CgroupSupport Read() => Of(CgroupMounts.Read(), Directory.Exists("/run/systemd/system"));

    internal static CgroupSupport Of(CgroupMounts mounts, bool systemd) => mounts.HasUsableV2
        ? new(systemd ? "systemd scopes on cgroup v2" : "cgroup v2", [])
        : new("cgroup v1", [.. Needed.Where(controller => !mounts.V1Roots.ContainsKey(controller))]);
}
