using System.Collections.Concurrent;
using Lamina.Api;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;
using Lamina.Tests.Unit.Engine.Agent;

namespace Lamina.Tests.Unit.Snapshots;

/// <summary>A guest that was asked to hold its file systems still is always told to go on, whatever fails in between.</summary>
public class SnapshotFreezeTests
{
    private const string Freeze = "guest-fsfreeze-freeze";
    private const string Thaw = "guest-fsfreeze-thaw";
    private const string Refusal = """{"error": {"class": "GenericError", "desc": "no"}}""";

    [Theory]
    [InlineData(true)]
    [InlineData(null)]
    public async Task The_guest_is_still_while_its_layers_are_switched(bool? quiesce)
    {
        await using var world = await World.CreateAsync();
        var (ended, status) = await world.TakeAsync(quiesce);
        Assert.Equal((OperationPhase.Succeeded, true), (ended.Phase, status?.Quiesced));
        Assert.Equal(["AddLayers", Freeze, "UseLayers", Thaw], world.Log);
    }

    [Fact]
    public async Task Without_it_the_guest_is_not_asked()
    {
        await using var world = await World.CreateAsync();
        var (ended, status) = await world.TakeAsync(quiesce: false);
        Assert.Equal((OperationPhase.Succeeded, false), (ended.Phase, status?.Quiesced));
        Assert.Equal(["AddLayers", "UseLayers"], world.Log);
    }

    [Theory]
    [InlineData("UseLayers")]
    [InlineData("QueryState")]
    public async Task It_goes_on_when_a_step_fails(string step)
    {
        await using var world = await World.CreateAsync();
        bool isFrozen = false;
        world.Agent.OnRequest += command => isFrozen |= command == Freeze;
        world.OnCall = name => name == step && isFrozen ? throw new QmpErrorException(name, "GenericError", "no") : Task.CompletedTask;
        var (ended, _) = await world.TakeAsync(quiesce: true);
        Assert.Equal(OperationPhase.Failed, ended.Phase);
        world.AssertThawed();
    }

    [Fact]
    public async Task It_goes_on_when_the_snapshot_is_cancelled()
    {
        await using var world = await World.CreateAsync();
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.OnCall = name =>
        {
            if (name != "UseLayers") return Task.CompletedTask;
            reached.SetResult();
            return Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
        };
        var (_, operation) = await world.Host.SnapshotAsync(world.Vm, "one", withMemory: false, quiesce: true);
        await reached.Task.WaitAsync(TestContext.Current.CancellationToken);
        await world.Host.CancelAsync(operation);
        Assert.Equal(OperationPhase.Cancelled, (await world.Host.EndOfAsync(operation)).Phase);
        world.AssertThawed();
    }

    [Theory]
    [InlineData(true, Refusal)]
    [InlineData(null, Refusal)]
    [InlineData(true, "")]
    [InlineData(null, "nonsense")]
    public async Task An_agent_that_refuses_is_told_to_thaw_all_the_same(bool? quiesce, string answer)
    {
        await using var world = await World.CreateAsync();
        world.Agent.Answers[Freeze] = answer;
        var (ended, status) = await world.TakeAsync(quiesce);
        Assert.Equal(quiesce is null ? null : "snapshot.notQuiesced", ended.Failure?.Code);
        Assert.Equal(quiesce is null ? false : null, status?.Quiesced);
        world.AssertThawed();
    }

    [Fact]
    public async Task An_agent_that_is_busy_is_asked_again()
    {
        await using var world = await World.CreateAsync();
        world.Agent.Answers[Freeze] = "";
        world.Agent.Answers[Thaw] = "";
        world.Agent.OnRequest += command =>
        {
            if (command == Thaw && world.Log.Count(entry => entry == Thaw) == 2) world.Agent.Answers[Thaw] = """{"return": 1}""";
        };
        Assert.Equal("snapshot.notQuiesced", (await world.TakeAsync(quiesce: true)).Ended.Failure?.Code);
        Assert.InRange(world.Log.Count(entry => entry == Thaw), 2, 4);
        world.AssertThawed();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(null)]
    public async Task A_guest_without_an_agent_is_not_asked_at_all(bool? quiesce)
    {
        await using var world = await World.CreateAsync(hasAgent: false);
        var (ended, status) = await world.TakeAsync(quiesce);
        Assert.Equal(quiesce is null ? null : "snapshot.notQuiesced", ended.Failure?.Code);
        Assert.Equal(quiesce is null ? false : null, status?.Quiesced);
        Assert.DoesNotContain(Freeze, world.Log);
        Assert.DoesNotContain(Thaw, world.Log);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(null)]
    public async Task The_next_daemon_lets_it_go_on(bool? quiesce)
    {
        await using var world = await World.CreateAsync();
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.OnCall = name =>
        {
            if (name != "UseLayers" || world.IsCut) return Task.CompletedTask;
            // From here on the daemon says nothing to anybody, as one that is dead.
            world.Host.DaemonStore.Bury();
            world.Cut();
            reached.SetResult();
            return Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
        };
        var (snapshot, operation) = await world.Host.SnapshotAsync(world.Vm, "one", withMemory: false, quiesce);
        await reached.Task.WaitAsync(TestContext.Current.CancellationToken);
        await world.Host.StopDaemonAsync();
        Assert.DoesNotContain(Thaw, world.Log);

        // While its file systems stand still, an agent says nothing else: that it is there is not known.
        world.Agent.Answers["guest-network-get-interfaces"] = Refusal;
        world.Mend();
        await world.Host.StartDaemonAsync();
        Assert.Equal("operation.interrupted", (await world.Host.EndOfAsync(operation)).Failure?.Code);
        Assert.Null(world.Host.Cache.Snapshot.Get(Keys.Snapshots.Status, snapshot));
        world.AssertThawed();
    }

    /// <summary>A running VM whose guest has an agent that is known.</summary>
    private sealed class World : IAsyncDisposable
    {
        private readonly FakeEngine _engine = new();
        private readonly ConcurrentQueue<string> _log = new();
        private volatile bool _isCut;

        public AgentPeer Agent { get; } = new();

        public VmTestHost Host { get; private set; } = null!;

        public string Vm { get; private set; } = "";

        public bool IsCut => _isCut;

        /// <summary>What concerns layers and freezing, in its order.</summary>
        public IReadOnlyList<string> Log => [.. _log];

        public Func<string, Task> OnCall { get; set; } = _ => Task.CompletedTask;

        public static async Task<World> CreateAsync(bool hasAgent = true)
        {
            var world = new World();
            world.Agent.Answers["guest-network-get-interfaces"] = """{"return": []}""";
            world.Agent.Answers["guest-file-open"] = Refusal;
            world.Agent.Answers[Freeze] = world.Agent.Answers[Thaw] = """{"return": 1}""";
            world.Agent.OnRequest = command =>
            {
                if (command is Freeze or Thaw) world._log.Enqueue(command);
            };
            world._engine.OnStarted = guest =>
            {
                guest.ConnectAgent = _ => hasAgent && !world._isCut ? ValueTask.FromResult(world.Agent.Connect()) : throw new IOException("Nobody listens.");
                guest.OnCall = world.CalledAsync;
            };
            world.Host = await VmTestHost.CreateAsync(world._engine);
            world.Vm = await world.Host.LaunchAsync(new VmCreate { Name = "web1", MemoryMiB = 256, Nics = [], Disks = [new VmDiskCreate { SizeBytes = 1 << 20 }] });
            if (hasAgent) await world.Host.StatusAsync(world.Vm, status => status.Agent is { Connected: true });
            return world;
        }

        public async Task<(OperationState Ended, SnapshotStatus? Status)> TakeAsync(bool? quiesce)
        {
            var (id, operation) = await Host.SnapshotAsync(Vm, "one", withMemory: false, quiesce);
            var ended = await Host.EndOfAsync(operation);
            return (ended, Host.Cache.Snapshot.Get(Keys.Snapshots.Status, id)?.Record);
        }

        /// <summary>Nobody comes through to the guest any more.</summary>
        public void Cut()
        {
            _isCut = true;
            Agent.HangUp();
        }

        public void Mend() => _isCut = false;

        public void AssertThawed()
        {
            Assert.Contains(Freeze, Log);
            Assert.Equal(Thaw, Log.Last(entry => entry is Freeze or Thaw));
            Assert.Equal(RunState.Running, Assert.Single(_engine.Guests).State);
        }

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            await Agent.DisposeAsync();
        }

        private Task CalledAsync(string name)
        {
            if (_isCut) throw new QmpClosedException($"{name}: cut.");
            if (name is "AddLayers" or "UseLayers") _log.Enqueue(name);
            return OnCall(name);
        }
    }
}
