using Lamina.Engine;
using Lamina.Engine.Agent;
using Lamina.Engine.Qmp;
using Lamina.Testing.Engine;
using Lamina.Tests.Unit.Engine.Qemu;

namespace Lamina.Tests.Unit.Engine;

/// <summary>The fake keeps the promises that its users build on.</summary>
public class FakeEngineTests
{
    private static readonly VmDefinition Definition = Scenarios.All["q35-bios-tcg"];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_guest_lives_as_a_real_one_does()
    {
        var engine = new FakeEngine();
        await using var vm = await engine.StartPausedAsync(Definition, Token);
        var guest = engine.Guest(Definition.Id);
        Assert.Equal(RunState.PreLaunch, await vm.QueryStateAsync(Token));
        await vm.ContinueAsync(permit: null, Token);
        await vm.PowerDownAsync(Token);
        Assert.Equal(RunState.Shutdown, await vm.QueryStateAsync(Token));
        await vm.QuitAsync(Token);
        var seen = new List<VmEvent>();
        await foreach (var happened in vm.Events.ReadAllAsync(Token)) seen.Add(happened);
        Assert.Equal([new VmResumed(1, 1), new VmShutdown(1, 1, true, "guest-shutdown"), new VmExited(1, 1, 0, null, "")], seen);
        Assert.Equal(["QueryState", "Continue", "PowerDown", "QueryState", "Quit"], guest.Calls);
        await Assert.ThrowsAsync<QmpClosedException>(() => vm.QueryStateAsync(Token));
        await vm.KillAsync(Token);
    }

    [Fact]
    public async Task A_restarted_daemon_finds_the_living_and_the_dead()
    {
        var engine = new FakeEngine();
        await using (await engine.StartPausedAsync(Definition, Token))
        {
        }
        var found = await engine.AttachAsync(Definition.RuntimeFolder, Token);
        Assert.NotNull(found.Vm);
        await Assert.ThrowsAsync<VmEngineException>(() => engine.StartPausedAsync(Definition, Token));
        await Assert.ThrowsAsync<VmEngineException>(() => engine.ForgetAsync(Definition.RuntimeFolder, Token));
        engine.Guest(Definition.Id).Die(signal: 11);
        Assert.Null((await engine.AttachAsync(Definition.RuntimeFolder, Token)).Vm);
        await engine.ForgetAsync(Definition.RuntimeFolder, Token);
        await Assert.ThrowsAsync<VmEngineException>(() => engine.AttachAsync(Definition.RuntimeFolder, Token));
    }

    [Fact]
    public async Task Scripts_fail_and_silence_what_they_name()
    {
        var engine = new FakeEngine { OnStart = _ => throw new VmEngineException(VmEngineFailure.StartFailed, "no", "try again") };
        await Assert.ThrowsAsync<VmEngineException>(() => engine.StartPausedAsync(Definition, Token));
        engine.OnStart = null;
        await using var vm = await engine.StartPausedAsync(Definition, Token);
        var guest = engine.Guest(Definition.Id);
        guest.LoseMonitor("silent");
        Assert.IsType<VmMonitorLost>(await vm.Events.ReadAsync(Token));
        await Assert.ThrowsAsync<QmpClosedException>(() => vm.PauseAsync(Token));
        guest.RestoreMonitor();
        Assert.IsType<VmMonitorRestored>(await vm.Events.ReadAsync(Token));
        guest.ForceState(RunState.PostMigrate);
        await Assert.ThrowsAsync<ContinueRefusedException>(() => vm.ContinueAsync(permit: null, Token));
        guest.FailDisk("disk0", noSpace: true);
        Assert.True((await vm.Events.NextAsync<VmBlockIoError>(Token)).NoSpace);
        Assert.Equal([new DiskProblem("disk0", true)], await vm.QueryDiskProblemsAsync(Token));
    }

    [Fact]
    public async Task The_serial_line_and_the_agent_are_the_tests_to_play()
    {
        var engine = new FakeEngine();
        await using var vm = await engine.StartPausedAsync(Definition, Token);
        var guest = engine.Guest(Definition.Id);
        await guest.SerialLine.Far.WriteAsync("login: "u8.ToArray(), Token);
        await guest.SerialLine.Far.FlushAsync(Token);
        await vm.Serial.WaitForAsync("login: ", Token);
        guest.ConnectAgent = _ => throw new IOException("no agent in this guest");
        await Assert.ThrowsAsync<GuestAgentUnavailableException>(() => vm.Agent.PingAsync(Token));
    }
}
