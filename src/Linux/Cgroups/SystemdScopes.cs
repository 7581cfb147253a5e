using Lamina.Linux.Processes;

namespace Lamina.Linux.Cgroups;

/// <summary>
/// Where systemd runs, the cgroup tree is its own: each VM is a scope in the instance's slice. `systemd-run --scope` registers itself and then becomes
/// the program, so the pid stays; the scope outlives the daemon and goes when its last process ends.
/// </summary>
internal sealed class SystemdScopes(string root, string parent) : CgroupManager
{
    private const string Suffix = ".scope";
    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(10);

    /// <summary>A scope takes whatever root writes into it, and lasts until its last process has ended (systemd.scope(5)).</summary>
    public override CgroupPlacement Join(string name) => new() { ProcessFile = Path.Combine(PathOf(name), V2Folder.Processes) };

    public override async Task SetLimitsAsync(string name, CgroupLimits limits, CancellationToken cancellation)
    {
        var result = await Command.RunAsync(
            new() { Program = "systemctl", Arguments = SetPropertyArguments(name, limits), Timeout = CallTimeout }, cancellation).ConfigureAwait(false);
        result.EnsureSuccess();
    }

    public override CgroupUsage ReadUsage(string name) => V2Folder.ReadUsage(PathOf(name));

    internal IReadOnlyList<string> SetPropertyArguments(string name, CgroupLimits limits) =>
        ["set-property", "--runtime", UnitOf(name), .. CgroupSettings.ForSystemd(limits)];

    /// <summary>Ordered before lamina-guests.service, so that at shutdown that unit's ExecStop runs while the guests are still there.</summary>
    internal IReadOnlyList<string> LauncherArguments(string name, CgroupLimits limits) =>
    [
        "--scope", "--quiet", "--collect", "--unit=" + UnitOf(name), $"--slice={parent}.slice",
        "--property=Before=lamina-guests.service",
        .. CgroupSettings.ForSystemd(limits).Select(setting => "--property=" + setting),
        "--",
    ];

    private protected override CgroupPlacement CreateEmpty(string name, CgroupLimits limits) =>
        new() { Launcher = [Programs.Require("systemd-run"), .. LauncherArguments(name, limits)] };

    private protected override IReadOnlyList<int> ReadProcesses(string name) =>
        CgroupFile.ReadProcesses(Path.Combine(PathOf(name), V2Folder.Processes));

    private protected override void SignalAll(string name, IReadOnlyList<int> members) => V2Folder.Kill(PathOf(name));

    /// <summary>An empty scope is collected by systemd itself.</summary>
    private protected override void RemoveEmpty(string name)
    {
    }

    private protected override IEnumerable<string> ListNames() =>
        CgroupFile.ListFolders(SlicePath())
            .Where(folder => folder.StartsWith(parent + "-", StringComparison.Ordinal) && folder.EndsWith(Suffix, StringComparison.Ordinal))
            .Select(folder => folder[(parent.Length + 1)..^Suffix.Length]);

    private string UnitOf(string name) => $"{parent}-{name}{Suffix}";

    private string PathOf(string name) => Path.Combine(SlicePath(), UnitOf(name));

    /// <summary>A dash in a slice's name is a level: lamina-0.slice lies in lamina.slice (systemd.slice(5)).</summary>
    internal string SlicePath()
    {
        var path = root;
        for (var dash = parent.IndexOf('-', StringComparison.Ordinal); dash > 0; dash = parent.IndexOf('-', dash + 1))
            path = Path.Combine(path, parent[..dash] + ".slice");
        return Path.Combine(path, parent + ".slice");
    }
}
