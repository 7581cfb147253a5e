using Lamina.Api;
using Lamina.Linux.Cgroups;
using Lamina.Linux.Processes;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Vms;

/// <summary>kill -9 of the daemon: guests do not notice.</summary>
public class DaemonDeathTests
{
    [Fact]
    public async Task Guests_live_on_when_the_daemon_is_killed_and_are_shut_down_with_their_host()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(8));
        var token = deadline.Token;
        await using var daemon = await LaminadProcess.StartAsync(token);
        var client = daemon.Client;
        await GuestDaemon.UploadSmallLinuxAsync(client, token);
        await client.HostIsReadyAsync(token);
        foreach (string name in (string[])["one", "two"])
        {
            var launched = await client.Operations.WaitAsync((await client.Vms.CreateAsync(GuestDaemon.SmallLinuxVm(name), token)).Id, null, token);
            Assert.True(launched.State!.Phase == OperationPhase.Succeeded, launched.State.Failure?.Message);
        }

        await UntilAsync(async () => (await VmAsync("one")).Status?.Agent?.BootId is not null && (await VmAsync("two")).Status?.Agent?.BootId is not null);
        var before = await VmAsync("one");
        int process = ProcessOf(before);
        int other = ProcessOf(await VmAsync("two"));

        await daemon.KillAsync(token);
        ChildProcess.Adopt(ProcessIdentity.Read(other)!)!.Send(Signal.Kill);
        await daemon.LaunchAsync(token);

        // One did not notice; two died unseen, which is told and mended.
        var boot = await client.Vms.ExecAsync("one", new VmExecRequest { Command = ["/bin/cat", "/proc/sys/kernel/random/boot_id"] }, token);
        Assert.Equal(before.Status!.Agent!.BootId, boot.Output.Trim());
        var after = await VmAsync("one");
        Assert.Equal((process, 1L, before.Status.StartedAt), (ProcessOf(after), after.Status!.Run, after.Status.StartedAt));
        await UntilAsync(async () => (await VmAsync("two")).Status is { State: VmState.Running, Run: 2 });
        Assert.Contains("vm.crashed", await client.Vms.GetLogAsync("two", token), StringComparison.Ordinal);
        await UntilAsync(async () => (await VmAsync("two")).Status?.Agent?.Connected == true);

        var exit = await daemon.RunAsync(token, "shutdown-guests", "--timeout", "120");
        Assert.Equal(0, exit.ExitCode);
        Assert.Equal((VmState.Stopped, StopCause.HostBoot), ((await VmAsync("one")).Status!.State, (await VmAsync("one")).Status!.StopCause));
        Assert.Equal(VmState.Stopped, (await VmAsync("two")).Status!.State);

        async Task<Vm> VmAsync(string name) => (await client.Vms.GetAsync(name, token)).Value;

        async Task UntilAsync(Func<Task<bool>> isSo)
        {
            while (!await isSo()) await Task.Delay(TimeSpan.FromMilliseconds(100), token);
        }

        int ProcessOf(Vm vm) => CgroupManager.Detect($"lamina-{daemon.Options.Name}").ReadMembers(vm.Id).Single();
    }
}
