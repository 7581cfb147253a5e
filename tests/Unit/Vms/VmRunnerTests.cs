using System.Text.Json.Nodes;
using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Vms;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Vms;

/// <summary>Runner, controller and store together, over an engine that a test can play with.</summary>
public class VmRunnerTests
{
    private static readonly VmCreate Small = new() { Name = "web1", MemoryMiB = 256, Nics = [], Disks = [new VmDiskCreate { SizeBytes = 1 << 20 }] };

    private static FakeGuest GuestOf(FakeEngine engine, string id) => engine.Guest(Guid.Parse(id));

    [Fact]
    public async Task ACreatedVmIsPlacedAndGetsItsDisksWithoutBeingStarted()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        var (id, operation) = await host.CreateVmAsync(Small);
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(operation)).Phase);
        var status = await host.StateAsync(id, VmState.Stopped);
        Assert.Equal((1L, 0L, operation), (status.Epoch, status.Run, status.Served));
        Assert.Equal(ContentState.Ready, host.Cache.Snapshot.All(Keys.Disks.Status).Single().Record.State);
        Assert.Empty(engine.Started);
    }

    [Fact]
    public async Task ALaunchedVmRuns()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        var status = await host.StateAsync(id, VmState.Running);
        Assert.Equal((1L, 1L), (status.Epoch, status.Run));
        Assert.NotNull(status.StartedAt);
        var definition = Assert.Single(engine.Started);
        Assert.Equal((1L, 1L, 256), (definition.Epoch, definition.Run, definition.MemoryMiB));
        Assert.Equal(RunState.Running, GuestOf(engine, id).State);
        Assert.Same(host.Vms.TryGetRunning(id)!.Definition, definition);
        Assert.Contains(await host.EventsAsync(id), happened => happened is { Kind: "vm.started", Run: 1 });
    }

    [Fact]
    public async Task AnEngineThatCannotStartFailsTheOperationInItsOwnWords()
    {
        var engine = new FakeEngine { OnStart = _ => throw new VmEngineException(VmEngineFailure.StartFailed, "qemu says: no such thing", "install it") };
        await using var host = await VmTestHost.CreateAsync(engine);
        var (id, operation) = await host.CreateVmAsync(Small with { Start = true });
        var ended = await host.EndOfAsync(operation);
        Assert.Equal((OperationPhase.Failed, "engine.startFailed"), (ended.Phase, ended.Failure!.Code));
        Assert.Contains("no such thing", ended.Failure.Message, StringComparison.Ordinal);
        var status = await host.StateAsync(id, VmState.Stopped);
        Assert.Equal(StopCause.StartFailed, status.StopCause);
        Assert.Null(host.Vms.TryGetRunning(id));

        engine.OnStart = null;
        string again = await host.AskAsync(id, VmOperations.Start, PowerWanted.Running);
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(again)).Phase);
    }

    [Fact]
    public async Task MoreMemoryThanIsLeftIsRefusedAtTheStart()
    {
        await using var host = await VmTestHost.CreateAsync(new FakeEngine());
        await host.LaunchAsync(Small with { Name = "big1", MemoryMiB = 6000 });
        var (id, operation) = await host.CreateVmAsync(Small with { Name = "big2", MemoryMiB = 6000, Start = true });
        Assert.Equal("host.memoryFull", (await host.EndOfAsync(operation)).Failure!.Code);
        Assert.Equal(VmState.Stopped, (await host.StateAsync(id, VmState.Stopped)).State);
    }

    [Fact]
    public async Task PauseResumeAndAskingTwice()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        foreach (int _ in Enumerable.Range(0, 2))
        {
            string pause = await host.AskAsync(id, VmOperations.Pause, PowerWanted.Paused);
            Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(pause)).Phase);
            Assert.Equal(RunState.Paused, GuestOf(engine, id).State);
        }

        string resume = await host.AskAsync(id, VmOperations.Resume, PowerWanted.Running);
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(resume)).Phase);
        Assert.Equal(RunState.Running, GuestOf(engine, id).State);
        Assert.Single(engine.Started);
    }

    [Fact]
    public async Task AShutdownIsServedByTheGuestsPowerOff()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        var guest = GuestOf(engine, id);
        string shutdown = await host.AskAsync(id, VmOperations.Shutdown, PowerWanted.Stopped);
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(shutdown)).Phase);
        Assert.Equal(StopCause.Request, (await host.StateAsync(id, VmState.Stopped)).StopCause);
        Assert.Contains("PowerDown", guest.Calls);
        Assert.Contains("Quit", guest.Calls);
        Assert.Null(host.Vms.TryGetRunning(id));
    }

    [Fact]
    public async Task AGuestThatHangsRunsOnWhenTheTimeIsOver()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        var guest = GuestOf(engine, id);
        guest.OnPowerButton = null;
        string shutdown = await host.AskAsync(id, VmOperations.Shutdown, PowerWanted.Stopped, new JsonObject { ["timeoutSeconds"] = 1 });
        Assert.Equal("vm.shutdownTimeout", (await host.EndOfAsync(shutdown)).Failure!.Code);
        Assert.Equal(VmState.Running, (await host.StateAsync(id, VmState.Running)).State);

        string forced = await host.AskAsync(id, VmOperations.Shutdown, PowerWanted.Stopped, new JsonObject { ["timeoutSeconds"] = 1, ["forceAfter"] = true });
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(forced)).Phase);
        Assert.False(guest.IsAlive);
    }

    [Fact]
    public async Task AShutdownCanBeCancelled()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        GuestOf(engine, id).OnPowerButton = null;
        string shutdown = await host.AskAsync(id, VmOperations.Shutdown, PowerWanted.Stopped);
        await host.StateAsync(id, VmState.Stopping);
        await host.CancelAsync(shutdown);
        Assert.Equal(OperationPhase.Cancelled, (await host.EndOfAsync(shutdown)).Phase);
        Assert.Equal(VmState.Running, (await host.StateAsync(id, VmState.Running)).State);
    }

    [Fact]
    public async Task AForcedStopTakesThePlaceOfAShutdown()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        var guest = GuestOf(engine, id);
        guest.OnPowerButton = null;
        string shutdown = await host.AskAsync(id, VmOperations.Shutdown, PowerWanted.Stopped);
        await host.StateAsync(id, VmState.Stopping);
        string stop = await host.AskAsync(id, VmOperations.Stop, PowerWanted.Stopped);
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(stop)).Phase);
        Assert.Equal("operation.superseded", (await host.EndOfAsync(shutdown)).Failure!.Code);
        Assert.False(guest.IsAlive);
    }

    [Fact]
    public async Task AStopDuringAStartCancelsIt()
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
        string stop = await host.AskAsync(id, VmOperations.Stop, PowerWanted.Stopped);
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(stop)).Phase);
        Assert.Equal("operation.superseded", (await host.EndOfAsync(create)).Failure!.Code);
        Assert.Equal(StopCause.Request, (await host.StateAsync(id, VmState.Stopped)).StopCause);
    }

    [Fact]
    public async Task AStartCanBeCancelled()
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
        await host.CancelAsync(create);
        Assert.Equal(OperationPhase.Cancelled, (await host.EndOfAsync(create)).Phase);
        await host.StateAsync(id, VmState.Stopped);
    }

    [Fact]
    public async Task ACrashIsFollowedByARestart()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        var guest = GuestOf(engine, id);
        guest.StderrTail = "qemu: segmentation fault";
        guest.Die(signal: 11);
        var status = await host.StatusAsync(id, status => status is { State: VmState.Running, Run: 2 });
        Assert.Equal(1, status.Crashes);
        Assert.NotSame(guest, GuestOf(engine, id));
        var crash = Assert.Single(await host.EventsAsync(id), happened => happened.Kind == "vm.crashed");
        Assert.Contains("segmentation fault", crash.Message, StringComparison.Ordinal);
        Assert.Equal(1, crash.Run);
    }

    [Fact]
    public async Task ACrashOfAVmThatIsNeverRestartedIsFinal()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small with { Restart = RestartPolicy.Never });
        GuestOf(engine, id).Die(signal: 9);
        var status = await host.StateAsync(id, VmState.Stopped);
        Assert.Equal((StopCause.Crash, "vm.crashed"), (status.StopCause, status.Failure!.Code));
        Assert.Null(status.RestartAt);
    }

    [Fact]
    public async Task AGuestThatPowersOffStaysOff()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        GuestOf(engine, id).PowerOff();
        Assert.Equal(StopCause.GuestShutdown, (await host.StateAsync(id, VmState.Stopped)).StopCause);
        Assert.Single(engine.Started);
    }

    [Fact]
    public async Task AResetIsDoneOnceAndOneWithoutAGuestIsRefused()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(await host.ResetAsync(id))).Phase);
        Assert.Single(GuestOf(engine, id).Calls, call => call == "Reset");
        await host.EndOfAsync(await host.AskAsync(id, VmOperations.Stop, PowerWanted.Stopped));
        Assert.Equal("vm.notRunning", (await host.EndOfAsync(await host.ResetAsync(id))).Failure!.Code);
    }

    [Fact]
    public async Task AResetFromWithinIsToldOnce()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        GuestOf(engine, id).Reboot();
        await host.EndOfAsync(await host.AskAsync(id, VmOperations.Pause, PowerWanted.Paused));
        await host.EndOfAsync(await host.AskAsync(id, VmOperations.Resume, PowerWanted.Running));
        await host.EndOfAsync(await host.AskAsync(id, VmOperations.Shutdown, PowerWanted.Stopped));
        Assert.Single(await host.EventsAsync(id), happened => happened is { Kind: "vm.guestReset", Run: 1 });
    }

    [Fact]
    public async Task AResetThatTheDaemonDiedInIsNotRepeated()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        var begun = new TaskCompletionSource();
        GuestOf(engine, id).OnCall = call =>
        {
            if (call != "Reset") return Task.CompletedTask;
            begun.TrySetResult();
            return new TaskCompletionSource().Task;
        };
        string reset = await host.ResetAsync(id);
        await begun.Task;
        GuestOf(engine, id).OnCall = null;
        await host.RestartDaemonAsync();
        Assert.Equal("operation.outcomeUnknown", (await host.EndOfAsync(reset)).Failure!.Code);
        Assert.Single(GuestOf(engine, id).Calls, call => call == "Reset");
    }

    [Fact]
    public async Task ASilentMonitorIsShownAndRecovers()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        GuestOf(engine, id).LoseMonitor("stopped");
        await host.StateAsync(id, VmState.Unresponsive);
        Assert.True(GuestOf(engine, id).IsAlive);
        GuestOf(engine, id).RestoreMonitor();
        await host.StateAsync(id, VmState.Running);
        Assert.Equal(["vm.unresponsive", "vm.responsive"], (await host.EventsAsync(id)).Select(happened => happened.Kind).Where(kind => kind.Contains("responsive", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task AFullPoolPausesTheGuestAndRoomLetsItGoOn()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        GuestOf(engine, id).FailDisk("disk0", noSpace: true);

        // The test's own file system has room, so the pause is over as soon as it is seen.
        await host.StatusAsync(id, status => status is { State: VmState.Running } && GuestOf(engine, id).State == RunState.Running);
        Assert.Contains(await host.EventsAsync(id), happened => happened is { Kind: "vm.paused", Severity: EventSeverity.Warning });
    }

    [Fact]
    public async Task DeletingRemovesEveryKeyAndFile()
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string id = await host.LaunchAsync(Small);
        string disk = host.Cache.Snapshot.All(Keys.Disks.Spec).Single().Id;
        string file = Directory.GetFiles(host.Instance.DefaultPoolDirectory, "disk.qcow2", SearchOption.AllDirectories).Single();
        var guest = GuestOf(engine, id);
        string delete = await host.DeleteAsync(id);
        Assert.Equal(OperationPhase.Succeeded, (await host.EndOfAsync(delete)).Phase);
        Assert.False(guest.IsAlive);
        Assert.False(File.Exists(file));
        Assert.Null(await host.Store.GetAsync(Keys.Disks.Spec[disk]));
        foreach (string prefix in (string[])[Keys.Vms.All(id), Keys.Names[Keys.NameId("default", "vm", "web1")], Keys.Names[Keys.NameId("default", "disk", "web1-disk0")]])
        {
            await foreach (var page in host.Store.ListAsync([prefix])) Assert.Empty(page.Items);
        }

        Assert.Null(host.Vms.TryGetRunning(id));
    }
}
