using Lamina.Linux.Native;
using Lamina.Linux.Processes;

namespace Lamina.Linux.Cgroups;

/// <summary>Version 1: the same path in the hierarchy of each controller. `pids` tells who is inside.</summary>
internal sealed class CgroupsV1(CgroupMounts mounts, string parent) : CgroupManager
{
    private readonly IReadOnlyList<string> roots = [.. new[] { "cpu", "cpuacct", "memory", "pids" }.Select(mounts.RootOf).Distinct()];

    public override CgroupPlacement Join(string name) => new() { TaskFiles = [.. roots.Select(root => Path.Combine(root, parent, name, "tasks"))] };

    public override Task SetLimitsAsync(string name, CgroupLimits limits, CancellationToken cancellation)
    {
        foreach (var (controller, file, value) in CgroupSettings.ForV1(limits)) CgroupFile.Write(Path.Combine(PathOf(controller, name), file), value);
        return Task.CompletedTask;
    }

    public override CgroupUsage ReadUsage(string name) => new(
        CgroupFile.ReadNumber(Path.Combine(PathOf("cpuacct", name), "cpuacct.usage")) is { } nanoseconds ? TimeSpan.FromTicks(nanoseconds / 100) : null,
        CgroupFile.ReadNumber(Path.Combine(PathOf("memory", name), "memory.usage_in_bytes")))
    {
        ThrottledTime = CgroupFile.ReadNumber(Path.Combine(PathOf("cpu", name), "cpu.stat"), "throttled_time") is { } throttled ? TimeSpan.FromTicks(throttled / 100) : null,
    };

    private protected override CgroupPlacement CreateEmpty(string name, CgroupLimits limits)
    {
        foreach (var root in roots) Directory.CreateDirectory(Path.Combine(root, parent, name));
        foreach (var (controller, file, value) in CgroupSettings.ForV1(limits)) CgroupFile.Write(Path.Combine(PathOf(controller, name), file), value);
        return Join(name);
    }

    private protected override IReadOnlyList<int> ReadProcesses(string name) =>
        CgroupFile.ReadProcesses(Path.Combine(PathOf("pids", name), "cgroup.procs"));

    private protected override void SignalAll(string name, IReadOnlyList<int> members)
    {
        CgroupFile.Write(Path.Combine(PathOf("pids", name), "pids.max"), "0"); // nothing can fork its way out of the list
        foreach (var member in members) _ = Libc.kill(member, Signal.Kill);
    }

    private protected override void RemoveEmpty(string name)
    {
        foreach (var path in roots.Select(root => Path.Combine(root, parent, name)).Where(Directory.Exists)) Directory.Delete(path);
    }

    private protected override IEnumerable<string> ListNames() =>
        roots.SelectMany(root => CgroupFile.ListFolders(Path.Combine(root, parent))).Distinct();

    private string PathOf(string controller, string name) => Path.Combine(mounts.RootOf(controller), parent, name);
}
