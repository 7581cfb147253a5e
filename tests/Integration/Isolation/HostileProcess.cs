using System.Text;
using Lamina.Engine.Qemu;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Processes;
using Lamina.Server;

namespace Lamina.Tests.Integration.Isolation;

/// <summary>
/// What a guest is after it broke out of QEMU: a process with the VM's uid, in its cgroup, without capabilities. More than that even: QEMU's seccomp filter, which denies
/// it every further program, is left out, so that the other walls are seen to hold by themselves.
/// </summary>
internal static class HostileProcess
{
    /// <summary>Runs a shell script as such a process, at most as long as the deadline allows.</summary>
    public static async Task<(ChildExit Exit, string Output)> RunAsync(Instance instance, string vmId, string script, CancellationToken deadline)
    {
        using var child = Start(instance, vmId, script);
        try
        {
            var exit = await child.WaitForExitAsync(deadline);
            return (exit, Encoding.UTF8.GetString(child.StandardOutput));
        }
        finally
        {
            child.SendToGroup(Signal.Kill);
        }
    }

    public static ChildProcess Start(Instance instance, string vmId, string script)
    {
        var uid = (uint)UserIdOf(instance, vmId);
        return ChildProcess.Spawn(new()
        {
            Program = "sh",
            Arguments = ["-c", script],
            User = new ChildUser(uid, uid),
            Cgroup = CgroupManager.Detect(instance.CgroupName).Join(vmId),
            StandardOutput = ChildOutput.Head(1 << 20),
            KillGroupAtEnd = true,
        });
    }

    public static int UserIdOf(Instance instance, string vmId) => new RuntimeFolder(instance.VmDirectory(vmId)).ReadRecord().Definition.Uid;
}
