using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Network;
using Lamina.Linux.Processes;
using Lamina.Testing.Media;

namespace Lamina.Tests.Integration.Vms;

/// <summary>Real guests under a whole daemon, by its API.</summary>
public class VmLifeTests(GuestDaemon guests) : IClassFixture<GuestDaemon>
{
    [Fact]
    public async Task A_guest_boots_is_reached_and_shuts_down()
    {
        var vm = await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("life"));
        Assert.Equal(VmState.Running, vm.Status!.State);
        Assert.Single(vm.Status.Addresses);
        await guests.SaysAsync(vm, SmallLinux.Address + vm.Status.Addresses[0]);
        await guests.SaysAsync(vm, SmallLinux.Agent);

        var said = await guests.Client.Vms.ExecAsync("life", new VmExecRequest { Command = ["/bin/sh", "-c", "echo hello; cat; exit 3"], Input = "from outside" }, guests.Deadline);
        Assert.Equal((3, "hello\nfrom outside"), (said.ExitCode, said.Output));

        await guests.SucceedsAsync(guests.Client.Vms.PauseAsync("life", guests.Deadline));
        Assert.Equal(VmState.Paused, (await guests.VmAsync("life")).Status!.State);
        await guests.SucceedsAsync(guests.Client.Vms.ResumeAsync("life", guests.Deadline));
        Assert.Equal(VmState.Running, (await guests.VmAsync("life")).Status!.State);

        Assert.Contains("guest=life", await guests.Client.Vms.GetQemuArgumentsAsync("life", guests.Deadline), StringComparison.Ordinal);
        Assert.Contains(SmallLinux.Ready, await guests.SerialAsync(vm), StringComparison.Ordinal);

        await guests.SucceedsAsync(guests.Client.Vms.ShutdownAsync("life", new VmShutdownRequest { TimeoutSeconds = 120 }, guests.Deadline));
        var stopped = await guests.VmAsync("life");
        Assert.Equal((VmState.Stopped, StopCause.Request), (stopped.Status!.State, stopped.Status.StopCause));
        Assert.Contains("vm.started", await guests.Client.Vms.GetLogAsync("life", guests.Deadline), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deleting_leaves_nothing_on_the_host()
    {
        var vm = await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("gone"));
        var instance = guests.Daemon.Instance;
        string disk = Path.Combine(instance.DefaultPoolDirectory, "disks", vm.Spec.Disks.Single().Disk);
        int process = guests.ProcessOf(vm);
        Assert.True(Directory.Exists(disk));
        Assert.Single(TapsOf(vm));

        var refused = await Assert.ThrowsAsync<LaminaException>(() => guests.Client.Vms.DeleteAsync("gone", force: false, guests.Deadline));
        Assert.Equal("vm.running", refused.Problem.Code);
        await guests.SucceedsAsync(guests.Client.Vms.StopAsync("gone", new VmStopRequest { Force = true }, guests.Deadline));
        await guests.SucceedsAsync(guests.Client.Vms.DeleteAsync("gone", force: false, guests.Deadline));

        Assert.False(Directory.Exists(disk));
        Assert.Empty(TapsOf(vm));
        Assert.False(Directory.Exists(instance.VmDirectory(vm.Id)));
        Assert.DoesNotContain(CgroupManager.Detect(instance.CgroupName).List(), cgroup => cgroup.Name == vm.Id);
        Assert.Null(ProcessIdentity.Read(process));
        Assert.Equal("vm.notFound", (await Assert.ThrowsAsync<LaminaException>(() => guests.Client.Vms.GetAsync("gone", guests.Deadline))).Problem.Code);

        // Its name, MAC and address are free again.
        var again = await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("gone") with { Nics = [new VmNicCreate { Mac = vm.Spec.Nics[0].Mac, Address = vm.Spec.Nics[0].Address }] });
        Assert.NotEqual(vm.Id, again.Id);
    }

    [Fact]
    public async Task A_crash_of_QEMU_follows_the_restart_policy()
    {
        var back = await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("back"));
        var final = await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("final") with { Restart = RestartPolicy.Never });
        Kill(guests.ProcessOf(back), Signal.Kill);
        Kill(guests.ProcessOf(final), Signal.Kill);
        var running = await guests.UntilAsync("back", vm => vm.Status is { State: VmState.Running, Run: 2 });
        Assert.Equal(1, running.Status!.Crashes);
        await guests.SaysAsync(running, SmallLinux.Ready);
        var stopped = await guests.UntilAsync("final", vm => vm.Status is { State: VmState.Stopped });
        Assert.Equal((StopCause.Crash, "vm.crashed"), (stopped.Status!.StopCause, stopped.Status.Failure!.Code));
    }

    [Fact]
    public async Task A_silent_QEMU_is_shown_and_not_killed()
    {
        var vm = await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("silent"));
        int process = guests.ProcessOf(vm);
        Kill(process, Signal.Stop);
        await guests.UntilAsync("silent", seen => seen.Status!.State == VmState.Unresponsive);
        var refused = await Assert.ThrowsAsync<LaminaException>(() => guests.Client.Vms.PauseAsync("silent", guests.Deadline));
        Assert.Equal("vm.unresponsive", refused.Problem.Code);
        Kill(process, Signal.Continue);
        var again = await guests.UntilAsync("silent", seen => seen.Status!.State == VmState.Running);
        Assert.Equal((1L, process), (again.Status!.Run, guests.ProcessOf(vm)));
    }

    [Fact]
    public async Task A_power_off_from_within_is_final_and_a_reset_from_within_is_told()
    {
        var vm = await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("inside"));
        await guests.SaysAsync(vm, SmallLinux.Agent);
        await guests.UntilAsync("inside", seen => seen.Status?.Agent?.BootId is not null);
        await guests.SucceedsAsync(guests.Client.Vms.ResetAsync("inside", guests.Deadline));
        Assert.Contains("vm.reset", await guests.Client.Vms.GetLogAsync("inside", guests.Deadline), StringComparison.Ordinal);

        var off = await guests.LaunchAsync(GuestDaemon.SmallLinuxVm("off", "poweroff -f"));
        var stopped = await guests.UntilAsync("off", seen => seen.Status!.State == VmState.Stopped);
        Assert.Equal((StopCause.GuestShutdown, off.Status!.Run), (stopped.Status!.StopCause, stopped.Status.Run));
    }

    [Fact]
    public async Task What_cannot_be_is_refused_with_its_reason()
    {
        var bad = await Assert.ThrowsAsync<LaminaException>(() => guests.Client.Vms.CreateAsync(
            new VmCreate { Name = "No Name", Cpus = 0, MemoryMiB = 1 << 30, Image = "none", Isos = ["small-kernel"] }, guests.Deadline));
        Assert.Equal(
            ["$.cpus", "$.image", "$.isos[0]", "$.memoryMiB", "$.name"],
            bad.Problem.Problems!.Select(problem => problem.Path).Order(StringComparer.Ordinal));
        Assert.Equal("vm.notFound", (await Assert.ThrowsAsync<LaminaException>(() => guests.Client.Vms.StartAsync("nobody", guests.Deadline))).Problem.Code);
    }

    private IReadOnlyList<string> TapsOf(Vm vm)
    {
        using var netlink = new Netlink();
        return [.. netlink.ListLinks().Where(link => link.Alias?.Contains(vm.Id, StringComparison.Ordinal) == true).Select(link => link.Name)];
    }

    private static void Kill(int processId, int signal) => ChildProcess.Adopt(ProcessIdentity.Read(processId)!)!.Send(signal);
}
