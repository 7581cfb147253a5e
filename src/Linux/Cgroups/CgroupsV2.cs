using Lamina.Linux.Processes;

namespace Lamina.Linux.Cgroups;

/// <summary>Version 2 without systemd: one folder per VM in the one hierarchy.</summary>
internal sealed class CgroupsV2(string root, string parent) : CgroupManager
{
    private const string Controllers = "+cpu +memory +pids";

    public override CgroupPlacement Join(string name) => new() { ProcessFile = Path.Combine(PathOf(name), V2Folder.Processes) };

    public override Task SetLimitsAsync(string name, CgroupLimits limits, CancellationToken cancellation)
    {
        WriteLimits(name, limits);
        return Task.CompletedTask;
    }

    public override CgroupUsage ReadUsage(string name) => V2Folder.ReadUsage(PathOf(name));

    private protected override CgroupPlacement CreateEmpty(string name, CgroupLimits limits)
    {
        CgroupFile.Write(Path.Combine(root, "cgroup.subtree_control"), Controllers);
        Directory.CreateDirectory(Path.Combine(root, parent));
        CgroupFile.Write(Path.Combine(root, parent, "cgroup.subtree_control"), Controllers);
        Directory.CreateDirectory(PathOf(name));
        WriteLimits(name, limits);
        return Join(name);
    }

    private protected override IReadOnlyList<int> ReadProcesses(string name) =>
        CgroupFile.ReadProcesses(Path.Combine(PathOf(name), V2Folder.Processes));

    private protected override void SignalAll(string name, IReadOnlyList<int> members) => V2Folder.Kill(PathOf(name));

    private protected override void RemoveEmpty(string name)
    {
        if (Directory.Exists(PathOf(name))) Directory.Delete(PathOf(name));
    }

    private protected override IEnumerable<string> ListNames() => CgroupFile.ListFolders(Path.Combine(root, parent));

    private void WriteLimits(string name, CgroupLimits limits)
    {
        foreach (var (file, value) in CgroupSettings.ForV2(limits)) CgroupFile.Write(Path.Combine(PathOf(name), file), value);
    }

    private string PathOf(string name) => Path.Combine(root, parent, name);
}
