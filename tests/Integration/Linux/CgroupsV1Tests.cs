using System.Text;
using Lamina.Linux;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Processes;
using Xunit;

namespace Lamina.Tests.Integration.Linux;

public sealed class CgroupsV1Tests : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string parent = $"lamina-test-{Environment.ProcessId}-{Guid.NewGuid():N}";
    private readonly string name = Guid.NewGuid().ToString();
    private readonly CgroupManager cgroups;

    public CgroupsV1Tests()
    {
        cgroups = CgroupManager.Detect(parent);
        Assert.SkipUnless(cgroups is CgroupsV1, "this machine has cgroup v2");
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var left in cgroups.List())
        {
            await cgroups.KillAllAsync(left.Name, Patience, CancellationToken.None);
            await cgroups.RemoveAsync(left.Name, CancellationToken.None);
        }

        foreach (var root in Directory.EnumerateDirectories("/sys/fs/cgroup").Select(root => Path.Combine(root, parent)).Where(Directory.Exists))
            Directory.Delete(root);
    }

    [Fact]
    public async Task A_child_is_born_in_its_cgroups_and_never_outside()
    {
        var placement = cgroups.Create(name, new() { MemoryBytes = 64 << 20 });
        using var child = ChildProcess.Spawn(ChildProcessTests.Shell("cat /proc/self/cgroup; ulimit -a >/dev/null") with
        {
            Cgroup = placement,
            User = new(65534, 65534),
            StandardOutput = ChildOutput.Head(10_000),
        });
        await child.WaitForExitAsync(Cancellation);
        var lines = Encoding.UTF8.GetString(child.StandardOutput).Split('\n');
        foreach (var controller in new[] { "cpu", "cpuacct", "memory", "pids" })
            Assert.Contains(lines, line => line.EndsWith($":{controller}:/{parent}/{name}", StringComparison.Ordinal));
        Assert.True(cgroups.IsEmpty(name));
        Assert.True(cgroups.ReadUsage(name).CpuTime > TimeSpan.Zero);
    }

    [Fact]
    public async Task Nothing_of_the_starter_stays_inside()
    {
        var placement = cgroups.Create(name, new());
        using var child = ChildProcess.Spawn(new() { Program = "sleep", Arguments = ["1000"], Cgroup = placement });
        Assert.Equal([child.ProcessId], cgroups.ReadMembers(name));
        await cgroups.KillAllAsync(name, Patience, Cancellation);
        await cgroups.RemoveAsync(name, Cancellation); // refused by the kernel if a thread of ours were in there
        Assert.Empty(cgroups.List());
    }

    [Fact]
    public async Task Beyond_its_memory_a_child_is_killed()
    {
        var placement = cgroups.Create(name, new() { MemoryBytes = 32 << 20 });
        using var child = ChildProcess.Spawn(new() { Program = "tail", Arguments = ["-n1", "/dev/zero"], Cgroup = placement });
        Assert.Equal(new ChildExit(null, Signal.Kill), await child.WaitForExitAsync(Cancellation));
    }

    [Fact]
    public async Task Limits_change_while_it_runs()
    {
        var placement = cgroups.Create(name, new() { CpuQuotaPercent = 150, CpuWeight = 50, MemoryBytes = 64 << 20, Processes = 10 });
        using var child = ChildProcess.Spawn(new() { Program = "sleep", Arguments = ["1000"], Cgroup = placement });
        Assert.Equal(["150000", "512", $"{64 << 20}", "10"], Settings());
        await cgroups.SetLimitsAsync(name, new() { MemoryBytes = 128 << 20 }, Cancellation);
        Assert.Equal(["-1", "1024", $"{128 << 20}", "max"], Settings());
        Assert.InRange(cgroups.ReadUsage(name).MemoryBytes!.Value, 0, 128 << 20);
    }

    [Fact]
    public async Task A_cgroup_with_members_is_neither_taken_over_nor_removed()
    {
        var placement = cgroups.Create(name, new());
        using var child = ChildProcess.Spawn(new() { Program = "sleep", Arguments = ["1000"], Cgroup = placement });
        Assert.Equal(Errno.Busy, Assert.Throws<LinuxException>(() => cgroups.Create(name, new())).ErrorNumber);
        await Assert.ThrowsAnyAsync<IOException>(() => cgroups.RemoveAsync(name, Cancellation));
        Assert.Equal([new(name, IsEmpty: false)], cgroups.List());
    }

    [Fact]
    public async Task Even_what_forks_without_end_is_killed()
    {
        var placement = cgroups.Create(name, new() { Processes = 50 });
        using var child = ChildProcess.Spawn(ChildProcessTests.Shell("f() { sleep 0.01 & f & :; }; f; while :; do f; done") with { Cgroup = placement });
        await cgroups.KillAllAsync(name, Patience, Cancellation);
        Assert.Empty(cgroups.ReadMembers(name));
    }

    [Fact]
    public async Task What_is_not_there_is_empty_and_removed()
    {
        Assert.True(cgroups.IsEmpty("nothing"));
        await cgroups.KillAllAsync("nothing", Patience, Cancellation);
        await cgroups.RemoveAsync("nothing", Cancellation);
        Assert.Equal(new(null, null), cgroups.ReadUsage("nothing"));
    }

    private string[] Settings() =>
    [
        .. new[] { "cpu/{0}/cpu.cfs_quota_us", "cpu/{0}/cpu.shares", "memory/{0}/memory.limit_in_bytes", "pids/{0}/pids.max" }
            .Select(path => File.ReadAllText($"/sys/fs/cgroup/{path.Replace("{0}", $"{parent}/{name}", StringComparison.Ordinal)}").Trim()),
    ];
}
