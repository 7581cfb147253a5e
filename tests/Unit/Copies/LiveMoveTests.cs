using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Pools;
using Lamina.Server.Store;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;

namespace Lamina.Tests.Unit.Copies;

/// <summary>A disk moves under a guest that runs: what becomes of it when the move is cancelled, fails, is overtaken, or the daemon dies.</summary>
public class LiveMoveTests
{
    private static readonly VmCreate Small = new() { Name = "web1", MemoryMiB = 256, Nics = [], Disks = [new VmDiskCreate { SizeBytes = 1 << 20 }] };

    [Fact]
    public async Task The_guest_stands_still_only_while_it_is_switched_over()
    {
        await using var world = await World.CreateAsync();
        var states = new List<(string Call, RunState State)>();
        world.Guest.OnCall = name =>
        {
            if (name is "MirrorDisk" or "FinishMirror" or "CloseMirror") states.Add((name, world.Guest.State));
            return Task.CompletedTask;
        };
        Assert.Equal(OperationPhase.Succeeded, (await world.MoveAsync()).Phase);
        world.AssertMoved();
        Assert.Equal([("CloseMirror", RunState.Running), ("MirrorDisk", RunState.Running), ("FinishMirror", RunState.Paused), ("CloseMirror", RunState.Running)], states);
    }

    [Fact]
    public async Task A_guest_that_was_paused_stays_so()
    {
        await using var world = await World.CreateAsync();
        await world.Host.EndOfAsync(await world.Host.AskAsync(world.Vm, VmOperations.Pause, PowerWanted.Paused));
        Assert.Equal(OperationPhase.Succeeded, (await world.MoveAsync()).Phase);
        Assert.Equal(RunState.Paused, world.Guest.State);
        Assert.Equal(world.Second, world.Disk.Pool);
    }

    [Fact]
    public async Task Cancelled_the_guest_has_what_it_had()
    {
        await using var world = await World.CreateAsync();
        var reached = world.HangAt("MirrorDisk");
        string operation = await world.Host.MoveAsync(world.DiskId, world.Second);
        await reached;
        await world.Host.CancelAsync(operation);
        Assert.Equal(OperationPhase.Cancelled, (await world.Host.EndOfAsync(operation)).Phase);
        world.AssertStayed();
        world.Guest.OnCall = null;
        Assert.Equal(OperationPhase.Succeeded, (await world.MoveAsync()).Phase);
        world.AssertMoved();
    }

    [Theory]
    [InlineData("MirrorDisk")]
    [InlineData("FinishMirror")]
    public async Task A_copy_that_fails_leaves_the_guest_as_it_was_and_says_why(string step)
    {
        await using var world = await World.CreateAsync();
        world.Guest.OnCall = name => name == step ? throw new QmpErrorException("mirror", "GenericError", "No space left on device") : Task.CompletedTask;
        var ended = await world.MoveAsync();
        Assert.Equal("disk.notMoved", ended.Failure?.Code);
        Assert.Contains("No space left on device", ended.Failure!.Message, StringComparison.Ordinal);
        world.AssertStayed();
    }

    [Fact]
    public async Task A_shutdown_comes_first_and_the_move_goes_on_after_it()
    {
        await using var world = await World.CreateAsync();
        var reached = world.HangAt("MirrorDisk");
        string operation = await world.Host.MoveAsync(world.DiskId, world.Second);
        await reached;
        world.Guest.OnPowerButton = guest => guest.Die(exitCode: 0);
        string stop = await world.Host.AskAsync(world.Vm, VmOperations.Stop, PowerWanted.Stopped);
        Assert.Equal(OperationPhase.Succeeded, (await world.Host.EndOfAsync(stop)).Phase);
        Assert.Equal(OperationPhase.Succeeded, (await world.Host.EndOfAsync(operation)).Phase);
        Assert.Equal(VmState.Stopped, world.Host.Cache.Snapshot.Get(Keys.Vms.Status, world.Vm)!.Record.State);
        world.AssertFilesOnlyIn(world.Second);
    }

    [Fact]
    public async Task A_record_that_is_changed_in_the_last_moment_keeps_the_change()
    {
        await using var world = await World.CreateAsync();
        world.Guest.OnCall = async name =>
        {
            if (name != "FinishMirror") return;
            var disk = world.Host.Cache.Snapshot.Get(Keys.Disks.Spec, world.DiskId)!;
            await new StoreChange("test.note").Update(Keys.Disks.Spec, disk.Id, disk.Record with { Notes = "mine" }, disk.ModRevision).CommitAsync(world.Host.Store, TimeProvider.System);
        };
        Assert.Equal(OperationPhase.Succeeded, (await world.MoveAsync()).Phase);
        world.AssertMoved();
        Assert.Equal("mine", world.Disk.Notes);
    }

    /// <summary>From some call to QEMU on the daemon says nothing to anybody any more; the next one finds what is there.</summary>
    [Theory]
    [InlineData("FindMirror", 1)]
    [InlineData("CloseMirror", 1)]
    [InlineData("MirrorDisk", 1)]
    [InlineData("Pause", 1)]
    [InlineData("FinishMirror", 1)]
    [InlineData("QueryState", 1)]
    [InlineData("Continue", 1)]
    [InlineData("CloseMirror", 2)]
    public async Task The_daemon_may_die_at_any_call(string call, int count)
    {
        await using var world = await World.CreateAsync();
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int calls = 0;
        bool isDead = false;
        world.Guest.OnCall = async name =>
        {
            if (Volatile.Read(ref isDead)) throw new QmpClosedException("the daemon is dead");
            if (name != call || !await world.HasJobAsync() || Interlocked.Increment(ref calls) != count) return;
            world.Host.DaemonStore.Refuse = _ => new StoreUnavailableException("The daemon is dead.");
            Volatile.Write(ref isDead, true);
            reached.TrySetResult();
            throw new QmpClosedException("the daemon is dead");
        };
        string operation = await world.Host.MoveAsync(world.DiskId, world.Second);
        await reached.Task.WaitAsync(TestContext.Current.CancellationToken);
        await world.Host.StopDaemonAsync();
        world.Guest.OnCall = null;
        await world.Host.StartDaemonAsync();
        Assert.Equal(OperationPhase.Succeeded, (await world.Host.EndOfAsync(operation)).Phase);
        world.AssertMoved();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_daemon_may_die_at_any_commit(bool diesAfter)
    {
        int last = await LiveAsync(0, diesAfter);
        Assert.InRange(last, 5, 100);
        for (int commit = 1; commit <= last; commit++) await LiveAsync(commit, diesAfter);
    }

    /// <returns>How many commits there were.</returns>
    private static async Task<int> LiveAsync(int lastCommit, bool diesAfter)
    {
        var engine = new FakeEngine();
        await using var host = await VmTestHost.CreateAsync(engine);
        string vm = await host.LaunchAsync(Small);
        string second = await host.AddPoolAsync("second");
        var world = new World(host, engine, vm, second);
        await host.StopDaemonAsync();
        await host.StartDaemonAsync(mortal: store => new MortalStore(store) { LastCommit = lastCommit, DiesAfter = diesAfter });
        var mortal = host.DaemonStore;
        string operation = await host.MoveAsync(world.DiskId, second);
        var ending = host.EndOfAsync(operation);
        if (await Task.WhenAny(ending, mortal.Died) != ending)
        {
            await host.RestartDaemonAsync();
            ending = host.EndOfAsync(operation);
        }

        Assert.Equal(OperationPhase.Succeeded, (await ending).Phase);
        world.AssertMoved();
        return mortal.Commits;
    }

    private sealed class World(VmTestHost host, FakeEngine engine, string vm, string second) : IAsyncDisposable
    {
        public VmTestHost Host => host;

        public string Vm => vm;

        public string Second => second;

        public FakeGuest Guest => engine.Guests.Single();

        public string DiskId => host.Cache.Snapshot.Get(Keys.Vms.Spec, vm)!.Record.Disks.Single().Disk;

        public DiskSpec Disk => host.Cache.Snapshot.Get(Keys.Disks.Spec, DiskId)!.Record;

        public static async Task<World> CreateAsync()
        {
            var engine = new FakeEngine();
            var host = await VmTestHost.CreateAsync(engine);
            string vm = await host.LaunchAsync(Small);
            return new World(host, engine, vm, await host.AddPoolAsync("second"));
        }

        public async Task<OperationState> MoveAsync() => await host.EndOfAsync(await host.MoveAsync(DiskId, second));

        /// <summary>By the store itself: what a daemon keeps in memory of it may be a moment behind what the daemon has just written.</summary>
        public async Task<bool> HasJobAsync()
        {
            string key = Keys.Vms.Status[vm];
            var item = await host.Store.GetAsync(key, TestContext.Current.CancellationToken);
            return item is not null && RecordJson.Read(key, item.Value.Span, Keys.Vms.Status.TypeInfo).Job is not null;
        }

        public Task HangAt(string call)
        {
            var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Guest.OnCall = name =>
            {
                if (name != call || !reached.TrySetResult()) return Task.CompletedTask;
                return Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
            };
            return reached.Task.WaitAsync(TestContext.Current.CancellationToken);
        }

        public void AssertMoved()
        {
            Assert.Equal(RunState.Running, Guest.State);
            Assert.Equal(MirrorPhase.Switched, Assert.Single(Guest.Mirrors).Value);
            Assert.Empty(host.Cache.Snapshot.Get(Keys.Disks.Status, DiskId)!.Record.Layers);
            AssertAgrees(second);
        }

        public void AssertStayed()
        {
            Assert.Equal(RunState.Running, Guest.State);
            Assert.Empty(Guest.Mirrors);
            AssertAgrees(host.Cache.Snapshot.All(Keys.Pools.Spec).Single(pool => pool.Id != second).Id);
        }

        public void AssertFilesOnlyIn(string pool)
        {
            Assert.Equal(pool, Disk.Pool);
            foreach (var known in host.Cache.Snapshot.All(Keys.Pools.Spec))
                Assert.Equal(known.Id == pool, Directory.Exists(new PoolPaths(known.Record.Path).DiskFolder(DiskId)));
        }

        public ValueTask DisposeAsync() => host.DisposeAsync();

        /// <summary>The record, QEMU and the files say the same.</summary>
        private void AssertAgrees(string pool)
        {
            AssertFilesOnlyIn(pool);
            Assert.Null(host.Cache.Snapshot.Get(Keys.Vms.Status, vm)!.Record.Job);
            string path = new PoolPaths(host.Cache.Snapshot.Get(Keys.Pools.Spec, pool)!.Record.Path).Disk(DiskId, Lamina.Api.DiskFormat.Qcow2);
            Assert.Equal([path], DiskChain.Of(Guest.Definition.Disks.Single()).Select(file => file.Path));
            Assert.True(File.Exists(path));
        }
    }
}
