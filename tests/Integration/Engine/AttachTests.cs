using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Linux.Processes;
using Lamina.Testing.Engine;
using Lamina.Testing.Media;

namespace Lamina.Tests.Integration.Engine;

/// <summary>The daemon goes and comes back: guests do not notice, and what happened meanwhile is known.</summary>
public class AttachTests
{
    [Fact]
    public async Task A_guest_outlives_its_daemon_and_is_taken_up_again()
    {
        await using var host = new EngineHost();
        var definition = await host.SmallLinuxAsync();
        await using (var vm = await host.Engine.StartPausedAsync(definition, host.Deadline))
        {
            await vm.ContinueAsync(permit: null, host.Deadline);
            await vm.Serial.WaitForAsync(SmallLinux.Ready, host.Deadline);
        }
        var process = host.ProcessOf(definition);

        var found = await host.NewEngine().AttachAsync(definition.RuntimeFolder, host.Deadline);
        await using (var vm = found.Vm!)
        {
            Assert.Equal(process, host.ProcessOf(definition));
            Assert.Equivalent(definition, found.Record.Definition, strict: true);
            Assert.True(vm.MonitorAnswers);
            Assert.Equal(RunState.Running, await vm.QueryStateAsync(host.Deadline));
            var console = vm.Serial.Attach(withHistory: true);
            while (!vm.Serial.IsConnected) await Task.Yield();
            await console.WriteAsync("echo again-$((1+1))\n"u8.ToArray(), host.Deadline);
            await console.WaitForAsync("again-2", host.Deadline);
            await vm.PowerDownAsync(host.Deadline);
        }

        // The guest powers off while nobody looks: its process stands and tells the next daemon.
        await using var last = (await host.NewEngine().AttachAsync(definition.RuntimeFolder, host.Deadline)).Vm!;
        while (await last.QueryStateAsync(host.Deadline) != RunState.Shutdown) await last.Events.ReadAsync(host.Deadline);
        await last.QuitAsync(host.Deadline);
        var exited = await last.Events.NextAsync<VmExited>(host.Deadline);
        Assert.Equal((null, null), (exited.ExitCode, exited.Signal));
    }

    [Fact]
    public async Task A_guest_that_died_meanwhile_is_known_to_be_dead()
    {
        await using var host = new EngineHost();
        var definition = await host.BareAsync();
        await using (await host.Engine.StartPausedAsync(definition, host.Deadline))
        {
        }
        await host.Cgroups.KillAllAsync(definition.Id.ToString(), TimeSpan.FromSeconds(20), host.Deadline);
        var found = await host.NewEngine().AttachAsync(definition.RuntimeFolder, host.Deadline);
        Assert.Null(found.Vm);
        Assert.Equal((definition.Id, 3L, 7L), (found.Record.Definition.Id, found.Record.Definition.Epoch, found.Record.Definition.Run));
        await host.Engine.ForgetAsync(definition.RuntimeFolder, host.Deadline);
        Assert.Empty(host.Cgroups.List());
        var none = await Assert.ThrowsAsync<VmEngineException>(() => host.Engine.AttachAsync(definition.RuntimeFolder, host.Deadline));
        Assert.Equal(VmEngineFailure.NoRecord, none.Failure);
    }

    [Fact]
    public async Task A_living_run_is_neither_started_twice_nor_forgotten()
    {
        await using var host = new EngineHost();
        var definition = await host.BareAsync();
        await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        var twice = await Assert.ThrowsAsync<VmEngineException>(() => host.Engine.StartPausedAsync(definition with { Run = 8 }, host.Deadline));
        Assert.Equal(VmEngineFailure.AlreadyRunning, twice.Failure);
        var forget = await Assert.ThrowsAsync<VmEngineException>(() => host.Engine.ForgetAsync(definition.RuntimeFolder, host.Deadline));
        Assert.Equal(VmEngineFailure.AlreadyRunning, forget.Failure);
        Assert.Equal(RunState.PreLaunch, await vm.QueryStateAsync(host.Deadline));
    }

    [Fact]
    public async Task The_last_words_of_QEMU_outlive_the_daemon_that_started_it()
    {
        await using var host = new EngineHost();
        var definition = await host.BareAsync();
        await using (await host.Engine.StartPausedAsync(definition, host.Deadline))
        {
        }
        var process = ProcessIdentity.Read(host.ProcessOf(definition))!;
        await using var vm = (await host.NewEngine().AttachAsync(definition.RuntimeFolder, host.Deadline)).Vm!;
        // QEMU says who ended it.
        ChildProcess.Adopt(process)!.Send(Signal.Terminate);
        var exited = await vm.Events.NextAsync<VmExited>(host.Deadline);
        Assert.Contains("terminating on signal 15", exited.StderrTail, StringComparison.Ordinal);
    }
}
