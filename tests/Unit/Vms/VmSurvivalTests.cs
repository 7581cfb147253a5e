using Lamina.Api;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Snapshots;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Plan;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

/// <summary>The daemon ends and starts anew; guests go on, or what became of them is found out and told.</summary>
public class VmSurvivalTests
{
    private static readonly VmCreate Small = new() { Name = "web1", MemoryMiB = 256, Nics = [], Disks = [new VmDiskCreate { SizeBytes = 1 << 20 }] };

    private static FakeGuest GuestOf(FakeEngine engine, string id) => engine.Guest(Guid.Parse(id));

    [Fact]
    public async Task AGuestDoesNotNoticeTheDaemonsEnd()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        var guest = GuestOf(engine, id);
        await host.RestartDaemonAsync();
        await host.Vms.Taken;
        Assert.Same(guest, GuestOf(engine, id));
        Assert.Equal(RunState.Running, guest.State);
        Assert.NotNull(host.Vms.TryGetRunning(id));
        Assert.Equal((VmState.Running, 1L), (host.Cache.Snapshot.Get(Keys.Vms.Status, id)!.Record.State, host.Cache.Snapshot.Get(Keys.Vms.Status, id)!.Record.Run));

        // And it is in the new daemon's hands.
        await host.EndOfAsync(await host.AskAsync(id, VmOperations.Pause, PowerWanted.Paused));
        Assert.Equal(RunState.Paused, guest.State);
        Assert.Single(engine.Started);
    }

    [Fact]
    public async Task AGuestThatDiedMeanwhileIsReportedAndStartedAgain()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        await host.StopDaemonAsync();
        GuestOf(engine, id).Die(signal: 9);
        await host.StartDaemonAsync();
        await host.StatusAsync(id, status => status is { State: VmState.Running, Run: 2, Crashes: 1 });
        Assert.Contains(await host.EventsAsync(id), happened => happened is { Kind: "vm.crashed", Run: 1 });
    }

    /// <summary>As systemd does with the rest of a scope in which a process was out of memory: no guest has shut itself down there.</summary>
    [Fact]
    public async Task AQemuThatIsEndedBySigtermHasCrashed()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        GuestOf(engine, id).Terminate();
        await host.StatusAsync(id, status => status is { State: VmState.Running, Run: 2, Crashes: 1 });
        Assert.Contains(await host.EventsAsync(id), happened => happened is { Kind: "vm.crashed", Run: 1 });
    }

    [Fact]
    public async Task AGuestThatPoweredOffMeanwhileIsNoCrash()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        await host.StopDaemonAsync();
        GuestOf(engine, id).PowerOff();
        await host.StartDaemonAsync();
        Assert.Equal(StopCause.GuestShutdown, (await host.StateAsync(id, VmState.Stopped)).StopCause);
        Assert.Contains(await host.EventsAsync(id), happened => happened.Kind == "vm.poweredOff");
        Assert.Single(engine.Started);
    }

    [Fact]
    public async Task AnOrderGivenWhileTheDaemonDiedInItsMidstIsStillServed()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        GuestOf(engine, id).OnPowerButton = null;
        string shutdown = await host.AskAsync(id, VmOperations.Shutdown, PowerWanted.Stopped);
        await host.StateAsync(id, VmState.Stopping);
        await host.StopDaemonAsync();
        GuestOf(engine, id).OnPowerButton = guest => guest.PowerOff();
        await host.StartDaemonAsync();
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(shutdown)).Phase);
        Assert.Equal(StopCause.Request, (await host.StateAsync(id, VmState.Stopped)).StopCause);
    }

    [Fact]
    public async Task ADaemonThatDiesWhileQemuIsCreatedStartsOnceAfterAll()
    {
        var begun = new TaskCompletionSource();
        var engine = new FakeEngine
        {
            OnStart = _ =>
            {
                begun.TrySetResult();
                return new TaskCompletionSource().Task;
            },
        };
        await using var host = await VmTestHost.CreateAsync(engine);
        var (id, create) = await host.CreateVmAsync(Small with { Start = true });
        await begun.Task;
        await host.StateAsync(id, VmState.Starting);
        await host.StopDaemonAsync();
        engine.OnStart = null;
        await host.StartDaemonAsync();
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(create)).Phase);
        var status = await host.StateAsync(id, VmState.Running);
        Assert.Equal(2, status.Run);
        Assert.Single(engine.Guests, guest => guest.IsAlive);
    }

    [Fact]
    public async Task ADaemonThatDiesBeforeTheContinueLetsTheSameProcessGoOn()
    {
        var engine = new FakeEngine();
        var begun = new TaskCompletionSource();
        await using var host = await VmTestHost.CreateAsync(engine);
        engine.OnStarted = guest => guest.OnCall = call =>
        {
            if (call != "Continue") return Task.CompletedTask;
            begun.TrySetResult();
            return new TaskCompletionSource().Task;
        };
        var (id, create) = await host.CreateVmAsync(Small with { Start = true });
        await begun.Task;
        await host.StopDaemonAsync();
        var guest = GuestOf(engine, id);
        Assert.Equal(RunState.PreLaunch, guest.State);
        guest.OnCall = null;
        await host.StartDaemonAsync();
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(create)).Phase);
        Assert.Equal((RunState.Running, true), (guest.State, guest.IsAlive));
        Assert.Equal(1, (await host.StateAsync(id, VmState.Running)).Run);
        Assert.Single(engine.Started);
    }

    /// <summary>What the process was to load is untouched until its CPUs run.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADaemonThatDiesBeforeTheMemoryIsLoadedLoadsItIntoAnotherProcess(bool restores)
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        var (snapshot, taking) = await host.SnapshotAsync(id, "one", withMemory: true);
        await SucceedsAsync(host, taking);
        if (!restores) await SucceedsAsync(host, await host.JobAsync(HostSnapshots.Suspend, id));
        var begun = new TaskCompletionSource();
        engine.OnStarted = made => made.OnCall = call =>
        {
            // Who dies does not clean up either.
            if (call == "Kill") throw new InvalidOperationException("The daemon is dead.");
            if (call != "LoadMemory") return Task.CompletedTask;
            begun.TrySetResult();
            return new TaskCompletionSource().Task;
        };
        string operation = restores ? await host.JobAsync(HostSnapshots.Restore, snapshot) : await host.AskAsync(id, VmOperations.Start, PowerWanted.Running);
        await begun.Task;
        await host.StopDaemonAsync();
        var half = GuestOf(engine, id);
        Assert.Equal((RunState.InMigrate, true), (half.State, half.IsAlive));
        half.OnCall = null;
        engine.OnStarted = null;

        await host.StartDaemonAsync();

        await SucceedsAsync(host, operation);
        await host.StatusAsync(id, status => status is { State: VmState.Running, Memory: null, Failure: null, Run: 3 });
        Assert.Contains("LoadMemory", GuestOf(engine, id).Calls);
        Assert.False(half.IsAlive);
        Assert.DoesNotContain(await host.EventsAsync(id), happened => happened.Kind == "vm.crashed");
    }

    private static async Task SucceedsAsync(VmTestHost host, string operation)
    {
        var ended = await host.EndOfAsync(operation);
        Assert.Equal((OperationPhase.Succeeded, null), (ended.Phase, ended.Failure?.Message));
    }

    [Fact]
    public async Task AfterABootOfTheHostAutostartBringsVmsBackInOrder()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string late = await host.LaunchAsync(Small with { Name = "late", Autostart = new VmAutostart { Enabled = true, Order = 2 } });
        string early = await host.LaunchAsync(Small with { Name = "early", Autostart = new VmAutostart { Enabled = true, Order = 1 } });
        string never = await host.LaunchAsync(Small with { Name = "never" });
        await host.StopDaemonAsync();
        foreach (var guest in engine.Guests) guest.Die();
        Assert.Equal([early, late], AutostartTurns(host, "boot-2"));
        await host.StartDaemonAsync("boot-2");
        await host.StatusAsync(late, status => status is { State: VmState.Running, Run: 2, HostBootId: "boot-2" });
        await host.StatusAsync(early, status => status is { State: VmState.Running, Run: 2 });
        Assert.Equal(StopCause.HostBoot, (await host.StateAsync(never, VmState.Stopped)).StopCause);
        Assert.Equal(3 + 2, engine.Started.Count);
    }

    private static IEnumerable<string> AutostartTurns(VmTestHost host, string bootId) =>
        Autostart.Plan(host.Cache.Snapshot, VmTestHost.HostId, bootId).Select(turn => turn.VmId);

    [Fact]
    public async Task WithTheHostGuestsPowerOffAndComeBackByAutostart()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small with { Restart = RestartPolicy.Always, Autostart = new VmAutostart { Enabled = true } });
        host.Vms.BeginHostStop();
        host.Vms.StopWithHost([id], new HostStop(TimeSpan.FromSeconds(60), ForceAfter: false));
        Assert.Equal(StopCause.HostBoot, (await host.StateAsync(id, VmState.Stopped)).StopCause);
        Assert.Single(engine.Started);
        await host.RestartDaemonAsync("boot-2");
        await host.StatusAsync(id, status => status is { State: VmState.Running, Run: 2 });
    }

    [Fact]
    public async Task AGuestThatDoesNotHearIsCutOffWithItsHostOnlyByOrder()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        GuestOf(engine, id).OnPowerButton = null;
        host.Vms.StopWithHost([id], new HostStop(TimeSpan.FromMilliseconds(50), ForceAfter: true));
        Assert.Equal(StopCause.HostBoot, (await host.StateAsync(id, VmState.Stopped)).StopCause);
    }

    [Fact]
    public async Task TurnsGoInTheReverseOrderOfAutostart()
    {
        await using var host = await VmTestHost.CreateAsync(new FakeEngine());
        var (first, _) = await host.CreateVmAsync(Small with { Name = "first", Autostart = new VmAutostart { Enabled = true, Order = 1 } });
        var (second, _) = await host.CreateVmAsync(Small with { Name = "second", Autostart = new VmAutostart { Enabled = true, Order = 2 } });
        var (other, _) = await host.CreateVmAsync(Small with { Name = "other" });
        Assert.Equal([[other], [second], [first]], GuestsShutdown.Turns(host.Cache.Snapshot, [first, second, other, "gone"]));
    }

    [Fact]
    public async Task AGuestThatIsRecordedAsStoppedIsNotNamedAsRunning()
    {
        await using var host = await VmTestHost.CreateAsync(new FakeEngine());
        string running = await host.LaunchAsync(Small with { Name = "running" });
        var (stopped, creating) = await host.CreateVmAsync(Small with { Name = "stopped" });
        await host.EndOfAsync(creating);
        await host.StateAsync(stopped, VmState.Stopped);

        // The runner of the second has not let go of its process yet.
        Assert.Equal([running], GuestsShutdown.Left(host.Cache.Snapshot, [running, stopped]));
    }

    [Fact]
    public async Task RootCutsThePowerWithoutAnOrder()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small with { Restart = RestartPolicy.Always });
        Assert.True(await host.Vms.CutPowerAsync(id));
        Assert.False(await host.Vms.CutPowerAsync("no-such-vm"));
        Assert.Equal(StopCause.Request, (await host.StateAsync(id, VmState.Stopped)).StopCause);
        Assert.Single(engine.Started);
    }

    [Fact]
    public async Task AStatusThatWasLostIsWrittenAnewForTheGuestThatRuns()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        var guest = GuestOf(engine, id);
        await host.StopDaemonAsync();
        await host.LoseStatusAsync(id);
        await host.StartDaemonAsync();
        var status = await host.StateAsync(id, VmState.Running);
        Assert.Equal(1, status.Run);
        Assert.True(guest.IsAlive);
        Assert.Contains(await host.EventsAsync(id), happened => happened.Kind == "vm.adopted");
    }
}
