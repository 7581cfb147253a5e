using Lamina.Api;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Events;
using Lamina.Server.Operations;
using Lamina.Testing.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lamina.Tests.Unit.Operations;

/// <summary>Operations on a real store: how they run, fail, are cancelled, and what a restart makes of them.</summary>
public class OperationExecutorTests
{
    private static CancellationToken Deadline => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AnOperationOfUnknownKindFailsAndSaysSo()
    {
        await using var world = await World.StartAsync(_ => { });
        var ended = await world.EndOfAsync(await world.BeginAsync("vm.fly"));
        Assert.Equal((OperationPhase.Failed, "operation.unknownKind"), (ended.Phase, ended.Failure!.Code));
    }

    [Fact]
    public async Task AFailureIsKeptInItsOwnWordsAndTold()
    {
        await using var world = await World.StartAsync(executor => executor.Register(
            "image.build", (_, _) => throw ProblemException.Conflict("image.broken", "It is broken.", "Mend it.")));
        var ended = await world.EndOfAsync(await world.BeginAsync("image.build"));
        Assert.Equal(("image.broken", "It is broken.", "Mend it."), (ended.Failure!.Code, ended.Failure.Message, ended.Failure.Remedy));
        var told = Assert.Single(await Timeline.TailAsync(world.Store.Store, Keys.Events, 10, _ => true, Deadline));
        Assert.Equal(("operation.failed", EventSeverity.Error), (told.Kind, told.Severity));
        Assert.Contains("It is broken.", told.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ReturningIsSuccessWithProgressLogAndSteps()
    {
        await using var world = await World.StartAsync(executor => executor.Register("image.build", async (run, cancellation) =>
        {
            run.Report(30, "packing");
            run.Log("one");
            await run.StepAsync("rename", cancellation);
        }));
        var ended = await world.EndOfAsync(await world.BeginAsync("image.build"));
        Assert.Equal((OperationPhase.Succeeded, 100, "packing"), (ended.Phase, ended.ProgressPercent, ended.Message));
        Assert.Equal(["one"], ended.Log);
        Assert.Equal(["rename"], ended.Steps);
        Assert.NotNull(ended.EndedAt);
    }

    [Fact]
    public async Task AStepIsNeverBegunTwice()
    {
        await using var world = await World.StartAsync(executor => executor.Register("image.build", async (run, cancellation) =>
        {
            await run.StepAsync("reset", cancellation);
            await run.StepAsync("reset", cancellation);
        }));
        var ended = await world.EndOfAsync(await world.BeginAsync("image.build"));
        Assert.Equal(OperationPhase.Failed, ended.Phase);
    }

    [Fact]
    public async Task ARequestToCancelReachesTheHandler()
    {
        var began = new TaskCompletionSource();
        await using var world = await World.StartAsync(executor => executor.Register(
            "image.build",
            async (_, cancellation) =>
            {
                began.SetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            },
            cancellable: true));
        string id = await world.BeginAsync("image.build");
        await began.Task.WaitAsync(Deadline);
        await world.CancelAsync(id);
        Assert.Equal(OperationPhase.Cancelled, (await world.EndOfAsync(id)).Phase);
    }

    [Fact]
    public async Task TheEndIsOneTransactionWithItsChange()
    {
        await using var world = await World.StartAsync(executor => executor.Register("image.build", async (run, cancellation) =>
        {
            var refused = new StoreChange("test").Create(Keys.Projects, "p", new ProjectSpec { Name = "p" }).RequireExists("nothing");
            Assert.False((await run.EndAsync(OperationOutcome.Succeeded, refused, cancellation)).Succeeded);
            Assert.False(run.State.IsEnded());
            var change = new StoreChange("test").Create(Keys.Projects, "q", new ProjectSpec { Name = "q" });
            Assert.True((await run.EndAsync(OperationOutcome.Succeeded, change, cancellation)).Succeeded);
        }));
        await world.EndOfAsync(await world.BeginAsync("image.build"));
        Assert.Null(world.Cache.Snapshot.Get(Keys.Projects, "p"));
        Assert.NotNull(world.Cache.Snapshot.Get(Keys.Projects, "q"));
    }

    [Fact]
    public async Task ADaemonThatStopsLeavesItForTheNextStartWhichResumesIt()
    {
        var began = new TaskCompletionSource();
        var store = TestStore.Create();
        string id;
        await using (var world = await World.StartAsync(
            executor => executor.Register("image.build", async (run, cancellation) =>
            {
                await run.StepAsync("reset", cancellation);
                began.SetResult();
                await Task.Delay(Timeout.Infinite, cancellation);
            }),
            store))
        {
            id = await world.BeginAsync("image.build");
            await began.Task.WaitAsync(Deadline);
        }

        await using var second = await World.StartAsync(
            executor => executor.Register(
                "image.build",
                (run, _) =>
                {
                    Assert.True(run.IsResumed && run.HasBegun("reset"));
                    return run.EndAsync(OperationOutcome.Unknown("reset"));
                },
                afterRestart: AfterRestart.Resume),
            store);
        var ended = await second.EndOfAsync(id);
        Assert.Equal("operation.outcomeUnknown", ended.Failure!.Code);
        await store.DisposeAsync();
    }

    [Fact]
    public async Task WhatCannotResumeFailsAsInterrupted()
    {
        var store = TestStore.Create();
        string id;
        await using (var world = await World.StartAsync(_ => { }, store, run: false))
        {
            id = await world.BeginAsync("image.build");
            await new StoreChange("test").Put(Keys.Operations.State, id, new OperationState { Phase = OperationPhase.Running }).CommitAsync(store.Store, TimeProvider.System, Deadline);
        }

        await using var second = await World.StartAsync(executor => executor.Register("image.build", (_, _) => throw new InvalidOperationException("called")), store);
        Assert.Equal("operation.interrupted", (await second.EndOfAsync(id)).Failure!.Code);
        await store.DisposeAsync();
    }

    [Fact]
    public async Task WhatIsServedElsewhereOrByAnotherHostIsLeftAlone()
    {
        await using var world = await World.StartAsync(executor =>
        {
            executor.ServedElsewhere("vm.start");
            executor.Register("image.build", (_, _) => Task.CompletedTask);
        });
        string elsewhere = await world.BeginAsync("vm.start");
        string other = await world.BeginAsync("image.build", host: "another");
        await world.EndOfAsync(await world.BeginAsync("image.build"));
        Assert.Null(world.Cache.Snapshot.Get(Keys.Operations.State, elsewhere));
        Assert.Null(world.Cache.Snapshot.Get(Keys.Operations.State, other));
        Assert.Equal(OperationPhase.Pending, OperationViews.Get(world.Cache.Snapshot, other)!.State!.Phase);
    }

    [Fact]
    public async Task WhatAHostHadInHandIsEndedWhenItIsRemovedForGood()
    {
        await using var world = await World.StartAsync(executor => executor.ServedElsewhere("vm.start"));
        string lost = await world.BeginAsync("vm.start", host: "another");
        await world.CommitAsync(new StoreChange("test").Create(Keys.RemovedHosts, "another", new RemovedHost { Name = "another", RemovedAt = DateTimeOffset.UnixEpoch, Dead = true }));
        var ended = await world.EndOfAsync(lost);
        Assert.Equal((OperationPhase.Failed, "operation.hostRemoved"), (ended.Phase, ended.Failure!.Code));
    }

    [Fact]
    public async Task OfTwoHostsThatTakeAnOperationForTheirsOneGoesOn()
    {
        await using var store = TestStore.Create();
        await using var world = await World.StartAsync(_ => { }, store, run: false);
        string id = await world.BeginAsync("image.build");
        var one = new OperationRuns(store.Store, world.Cache, TimeProvider.System, NullLogger<OperationRuns>.Instance, "h1").Begin(id)!;
        var other = new OperationRuns(store.Store, world.Cache, TimeProvider.System, NullLogger<OperationRuns>.Instance, "h2").Begin(id)!;
        await using (one)
        await using (other)
        {
            // Each says at once, on a task of its own, that it runs: which of them is the first is anybody's guess.
            var steps = new[] { one.StepAsync("rename", Deadline), other.StepAsync("rename", Deadline) };
            var refused = new[] { await Record.ExceptionAsync(() => steps[0]), await Record.ExceptionAsync(() => steps[1]) };
            Assert.Single(refused, failure => failure is null);
            Assert.Single(refused, failure => failure is OperationLostException);
            var (winner, loser, host) = refused[0] is null ? (one, other, "h1") : (other, one, "h2");
            Assert.True(loser.Cancelled.IsCancellationRequested);
            Assert.False((await loser.EndAsync(OperationOutcome.Cancelled, cancellationToken: Deadline)).Succeeded);
            Assert.True((await winner.EndAsync(OperationOutcome.Succeeded, cancellationToken: Deadline)).Succeeded);
            Assert.Equal((host, OperationPhase.Succeeded), ((await world.EndOfAsync(id)).Host!, (await world.EndOfAsync(id)).Phase));
        }
    }

    /// <summary>A store, its cache and an executor at work.</summary>
    private sealed class World : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly OperationRequests _requests = new(TimeProvider.System);
        private readonly bool _ownsStore;
        private Task _running = Task.CompletedTask;

        private World(TestStore store, bool ownsStore)
        {
            Store = store;
            _ownsStore = ownsStore;
            Cache = new Cache(store.Store, Keys.Cached, TimeProvider.System, NullLogger<Cache>.Instance);
        }

        public TestStore Store { get; }

        public Cache Cache { get; }

        public static async Task<World> StartAsync(Action<OperationExecutor> register, TestStore? store = null, bool run = true)
        {
            var world = new World(store ?? TestStore.Create(), store is null);
            await world.Cache.StartAsync(Deadline);
            var runs = new OperationRuns(world.Store.Store, world.Cache, TimeProvider.System, NullLogger<OperationRuns>.Instance);
            var executor = new OperationExecutor(runs, world.Cache, new EventLog(TimeProvider.System, "h"), "h1", NullLogger<OperationExecutor>.Instance);
            register(executor);
            if (run) world._running = Task.WhenAll(runs.RunAsync(world._stop.Token), executor.RunAsync(world._stop.Token));
            return world;
        }

        public async Task<string> BeginAsync(string kind, string? host = null)
        {
            var change = new StoreChange("test");
            var target = new ObjectReference { Kind = "image", Id = "i", Name = "debian/12" };
            var operation = _requests.Add(change, new OperationDraft { Kind = kind, Target = target, RequestedBy = "user:admin", Host = host });
            await CommitAsync(change);
            return operation.Id;
        }

        public async Task CancelAsync(string id)
        {
            var request = Cache.Snapshot.Get(Keys.Operations.Request, id)!;
            await CommitAsync(new StoreChange("test").Update(Keys.Operations.Request, id, request.Record with { CancelRequested = true }, request.ModRevision));
        }

        public async Task<OperationState> EndOfAsync(string id)
        {
            using var subscription = Cache.Subscribe(Keys.Operations.State);
            if (subscription.Start.Get(Keys.Operations.State, id)?.Record is { } now && ((OperationState?)now).IsEnded()) return now;
            await foreach (var batch in subscription.ReadAllAsync(Deadline))
            {
                if (batch.Snapshot.Get(Keys.Operations.State, id)?.Record is { } state && ((OperationState?)state).IsEnded()) return state;
            }

            throw new InvalidOperationException("The cache has ended.");
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await Cache.DisposeAsync();
            if (_ownsStore) await Store.DisposeAsync();
            _stop.Dispose();
        }

        public async Task CommitAsync(StoreChange change)
        {
            var result = await change.CommitAsync(Store.Store, TimeProvider.System, Deadline);
            Assert.True(result.Succeeded);
            Assert.True(await Cache.WaitForRevisionAsync(result.Revision, TimeSpan.FromSeconds(10), Deadline));
        }
    }
}
