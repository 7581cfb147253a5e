using System.Text;
using Lamina.Engine;
using Lamina.Engine.Agent;
using Lamina.Engine.Qmp;
using Lamina.Testing.Engine;
using Lamina.Testing.Media;

namespace Lamina.Tests.Integration.Engine;

/// <summary>A real Linux from its first instruction to its last, driven as the daemon drives it.</summary>
public class GuestLifeTests
{
    [Fact]
    public async Task A_guest_boots_pauses_resumes_resets_and_powers_off()
    {
        await using var host = new EngineHost();
        var definition = await host.SmallLinuxAsync();
        await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        Assert.Equal((definition.Id, 3L, 7L), (vm.Id, vm.Epoch, vm.Run));
        Assert.Equal(RunState.PreLaunch, await vm.QueryStateAsync(host.Deadline));
        Assert.Empty(vm.Serial.History());

        await vm.ContinueAsync(permit: null, host.Deadline);
        await vm.Events.NextAsync<VmResumed>(host.Deadline);
        var console = vm.Serial.Attach(withHistory: true);
        await console.WaitForAsync(SmallLinux.Ready, host.Deadline);

        await vm.PauseAsync(host.Deadline);
        await vm.Events.NextAsync<VmStopped>(host.Deadline);
        Assert.Equal(RunState.Paused, await vm.QueryStateAsync(host.Deadline));
        await vm.ContinueAsync(permit: null, host.Deadline);
        await vm.Events.NextAsync<VmResumed>(host.Deadline);

        await console.WriteAsync("echo typed-$((40+2))\n"u8.ToArray(), host.Deadline);
        await console.WaitForAsync("typed-42", host.Deadline);
        Assert.Equal(192L << 20, (await vm.QueryBalloonAsync(host.Deadline)).Actual);
        Assert.Empty(await vm.QueryDiskProblemsAsync(host.Deadline));

        await vm.ResetAsync(host.Deadline);
        Assert.False((await vm.Events.NextAsync<VmReset>(host.Deadline)).ByGuest);
        await console.WaitForAsync(SmallLinux.Ready, host.Deadline);

        await vm.PowerDownAsync(host.Deadline);
        Assert.Equal(new VmShutdown(3, 7, ByGuest: true, "guest-shutdown"), await vm.Events.NextAsync<VmShutdown>(host.Deadline));
        Assert.Equal(RunState.Shutdown, await vm.QueryStateAsync(host.Deadline));

        await vm.QuitAsync(host.Deadline);
        var exited = await vm.Events.NextAsync<VmExited>(host.Deadline);
        Assert.Equal((0, null), (exited.ExitCode, exited.Signal));
        await vm.Events.Completion.WaitAsync(host.Deadline);
        Assert.True(host.Cgroups.IsEmpty(definition.Id.ToString()));
        await host.Engine.ForgetAsync(definition.RuntimeFolder, host.Deadline);
        Assert.False(Directory.Exists(definition.RuntimeFolder));
        Assert.Empty(host.Cgroups.List());
    }

    [Fact]
    public async Task The_guest_agent_answers_runs_programs_and_tells_a_reset_by_the_boot_id()
    {
        await using var host = new EngineHost();
        await using var vm = await host.Engine.StartPausedAsync(await host.SmallLinuxAsync(), host.Deadline);
        await vm.ContinueAsync(permit: null, host.Deadline);
        var console = vm.Serial.Attach(withHistory: true);
        await console.WaitForAsync(SmallLinux.Agent, host.Deadline);
        await AnswerAsync(vm.Agent, host.Deadline);

        Assert.NotEmpty((await vm.Agent.InfoAsync(host.Deadline)).SupportedCommands);
        Assert.Equal("x86_64", (await vm.Agent.OsInfoAsync(host.Deadline)).Machine);
        Assert.Contains(await vm.Agent.NetworkInterfacesAsync(host.Deadline), device => device.Name == "lo");

        var echo = await vm.Agent.ExecAsync(new GuestCommand
        {
            Path = "/bin/sh", Arguments = ["-c", "cat; echo $WHO >&2; exit 3"], Environment = ["WHO=me"], Input = "in\n"u8.ToArray(),
        }, host.Deadline);
        Assert.Equal((3, "in\n", "me\n"), (echo.ExitCode, Encoding.UTF8.GetString(echo.Output), Encoding.UTF8.GetString(echo.Error)));
        var error = await Assert.ThrowsAsync<GuestAgentErrorException>(() =>
            vm.Agent.ExecAsync(new GuestCommand { Path = "/no/such" }, host.Deadline));
        Assert.Equal("GenericError", error.ErrorClass);

        var boot = await vm.Agent.BootIdAsync(host.Deadline);
        Assert.True(Guid.TryParse(boot, out _), boot);
        await vm.ResetAsync(host.Deadline);
        await console.WaitForAsync(SmallLinux.Agent, host.Deadline);
        await AnswerAsync(vm.Agent, host.Deadline);
        Assert.NotEqual(boot, await vm.Agent.BootIdAsync(host.Deadline));

        await vm.Agent.ShutdownAsync(GuestShutdownMode.PowerDown, host.Deadline);
        Assert.True((await vm.Events.NextAsync<VmShutdown>(host.Deadline)).ByGuest);
    }

    [Fact]
    public async Task A_kernel_panic_is_seen()
    {
        await using var host = new EngineHost();
        await using var vm = await host.Engine.StartPausedAsync(
            await host.SmallLinuxAsync("echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger"), host.Deadline);
        await vm.ContinueAsync(permit: null, host.Deadline);
        await vm.Events.NextAsync<VmPanicked>(host.Deadline);
        Assert.Equal(RunState.GuestPanicked, await vm.QueryStateAsync(host.Deadline));
    }

    // The line that says so comes before the agent listens.
    private static async Task AnswerAsync(GuestAgent agent, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await agent.PingAsync(cancellationToken);
                return;
            }
            catch (GuestAgentUnavailableException)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }
}
