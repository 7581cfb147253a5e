using Lamina.Linux.Cgroups;
using Lamina.Linux.Processes;
using Lamina.Testing.Engine;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Vms;

/// <summary>What a crash left of VMs that nobody knows: what is empty goes, what lives is listed and left alone.</summary>
public sealed class VmSweepTests
{
    [Fact]
    public async Task Empty_leftovers_go_and_living_ones_are_listed()
    {
        var token = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync(change: options => options with { Engine = new FakeEngine() });
        var cgroups = CgroupManager.Detect(daemon.Instance.CgroupName);
        string empty = Guid.NewGuid().ToString(), living = Guid.NewGuid().ToString();
        cgroups.Create(empty, new CgroupLimits());
        using var sleeper = ChildProcess.Spawn(new ChildSpec { Program = "sleep", Arguments = ["600"], Cgroup = cgroups.Create(living, new CgroupLimits()) });

        await daemon.RestartAsync();
        while (cgroups.List().Any(cgroup => cgroup.Name == empty)) await Task.Delay(50, token);
        string orphan = "";
        while (!orphan.Contains(living, StringComparison.Ordinal))
        {
            await Task.Delay(50, token);
            orphan = await daemon.Local.GetStringAsync("/v1/doctor", token);
        }

        Assert.Contains($"processes {sleeper.ProcessId} ", orphan, StringComparison.Ordinal);
        Assert.Equal([sleeper.ProcessId], cgroups.ReadMembers(living));
    }
}
