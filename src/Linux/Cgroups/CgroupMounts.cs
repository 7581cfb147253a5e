namespace Lamina.Linux.Cgroups;

/// <summary>Where the cgroup hierarchies of this machine are mounted.</summary>
/// <param name="V1Roots">The mount point of each controller of version 1.</param>
/// <param name="V2Root">The mount point of version 2, if any.</param>
/// <param name="V2Controllers">What version 2 controls here: on a hybrid machine, little.</param>
internal sealed record CgroupMounts(IReadOnlyDictionary<string, string> V1Roots, string? V2Root, IReadOnlyList<string> V2Controllers)
{
    public bool HasUsableV2 => V2Root is not null && V2Controllers.Contains("cpu") && V2Controllers.Contains("memory") && V2Controllers.Contains("pids");

    /// <summary>The mount point of a controller of version 1.</summary>
    public string RootOf(string controller) =>
        V1Roots.TryGetValue(controller, out var root) ? root
        : throw new LinuxException($"use cgroups: the controller {controller} is not mounted", Errno.NoDevice);

    public static CgroupMounts Read()
    {
        var mounts = Parse(File.ReadAllText("/proc/self/mountinfo"), v2Controllers: "");
        return mounts.V2Root is { } root
            ? mounts with { V2Controllers = CgroupFile.Read(Path.Combine(root, "cgroup.controllers"))?.Split(' ') ?? [] }
            : mounts;
    }

    /// <summary>A line is `id parent major:minor root mountpoint options … - type source superoptions` (proc_pid_mountinfo(5)).</summary>
    internal static CgroupMounts Parse(string mountInfo, string v2Controllers)
    {
        var v1 = new Dictionary<string, string>(StringComparer.Ordinal);
        string? v2 = null;
        foreach (var line in mountInfo.Split('\n'))
        {
            var fields = line.Split(' ');
            var separator = Array.IndexOf(fields, "-");
            if (separator < 5 || fields.Length < separator + 4) continue;
            var mountPoint = fields[4];
            if (fields[separator + 1] == "cgroup2") v2 ??= mountPoint;
            if (fields[separator + 1] != "cgroup") continue;
            foreach (var controller in fields[separator + 3].Split(',')) v1.TryAdd(controller, mountPoint);
        }

        return new(v1, v2, v2Controllers.Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }
}
