using System.Collections.Concurrent;
using System.Threading.Channels;
using Lamina.Server.Control;
using Lamina.Testing.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static Lamina.Tests.Unit.Store.StoreTestExtensions;

namespace Lamina.Tests.Unit.Control;

public sealed class ControllerLoopTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Channel<string> _calls = Channel.CreateUnbounded<string>();

    [Fact]
    public async Task A_failure_is_tried_again_later_and_later()
    {
        int failures = 3;
        await using var running = Start(_ => failures-- > 0 ? throw new IOException("not yet") : Reconciled.Done);
        running.Loop.Wake("a");
        for (int call = 0; call < 4; call++)
        {
            await CallAsync();
            // The timer is armed after the failure is caught; time passes until it has fired.
            while (call < 3 && !_calls.Reader.TryPeek(out _))
            {
                _time.Advance(TimeSpan.FromMilliseconds(50));
                await Task.Yield();
            }
        }

        Assert.Equal(-1, failures);
    }

    [Fact]
    public async Task A_key_may_ask_to_be_looked_at_again()
    {
        await using var running = Start(_ => Reconciled.After(TimeSpan.FromMinutes(5)));
        running.Loop.Wake("a");
        await CallAsync();
        var begin = _time.GetUtcNow();
        while (!_calls.Reader.TryPeek(out _))
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.True(_time.GetUtcNow() - begin >= TimeSpan.FromMinutes(5));
    }

    [Fact]
    public async Task One_key_is_never_worked_on_twice_at_once_while_others_are()
    {
        var busy = new ConcurrentDictionary<string, int>();
        var bothBusy = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bool twice = false;
        await using var running = Start(async key =>
        {
            if (busy.AddOrUpdate(key, 1, (_, count) => count + 1) > 1) twice = true;
            if (busy.Count(pair => pair.Value > 0) == 2) bothBusy.TrySetResult();
            await go.Task;
            busy.AddOrUpdate(key, 0, (_, count) => count - 1);
            return Reconciled.Done;
        });
        running.Loop.Wake("a");
        await CallAsync();
        running.Loop.Wake("a");
        running.Loop.Wake("b");
        await bothBusy.Task.WaitAsync(Deadline);
        running.Loop.Wake("a");
        go.SetResult();

        Assert.Equal(["a", "b"], new[] { await CallAsync(), await CallAsync() }.Order());
        Assert.False(twice);
    }

    [Fact]
    public async Task Changes_of_the_cache_wake_their_keys_and_those_known_at_the_start_come_first()
    {
        await using var test = TestStore.Create();
        await new StoreChange("test").Put(Keys.Names, "first", new Claim { Owner = "1" }).CommitAsync(test.Store, TimeProvider.System);
        await using var cache = new Cache(test.Store, Keys.Cached, TimeProvider.System, NullLogger<Cache>.Instance);
        await cache.StartAsync();
        using var subscription = cache.Subscribe(Keys.Names);
        using var stop = new CancellationTokenSource();
        await using var running = Start(_ => Reconciled.Done);
        var following = running.Loop.FollowAsync(
            subscription, change => change.Id, snapshot => snapshot.All(Keys.Names).Select(name => name.Id), stop.Token);

        Assert.Equal("first", await CallAsync());
        await new StoreChange("test").Put(Keys.Names, "second", new Claim { Owner = "1" }).CommitAsync(test.Store, TimeProvider.System);
        Assert.Equal("second", await CallAsync());
        await new StoreChange("test").Delete(Keys.Names["first"]).CommitAsync(test.Store, TimeProvider.System);
        Assert.Equal("first", await CallAsync());
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => following);
    }

    [Theory]
    [InlineData(1, 0.0, 0.125)]
    [InlineData(1, 1.0, 0.25)]
    [InlineData(2, 1.0, 0.5)]
    [InlineData(9, 1.0, 60)]
    [InlineData(1000, 0.0, 30)]
    public void Backoff_doubles_up_to_its_bound_and_is_spread_over_its_upper_half(int failures, double chance, double seconds) =>
        Assert.Equal(seconds, Backoff.Delay(failures, TimeSpan.FromSeconds(0.25), TimeSpan.FromMinutes(1), chance).TotalSeconds, 6);

    private Running Start(Func<string, Reconciled> reconcile) => Start(key => Task.FromResult(reconcile(key)));

    private Running Start(Func<string, Task<Reconciled>> reconcile) => new(new ControllerLoop(
        "test",
        (key, _) =>
        {
            _calls.Writer.TryWrite(key);
            return reconcile(key);
        },
        _time,
        NullLogger.Instance));

    private async Task<string> CallAsync() => await _calls.Reader.ReadAsync().AsTask().WaitAsync(Deadline);

    private sealed class Running : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _running;

        public Running(ControllerLoop loop)
        {
            Loop = loop;
            _running = loop.RunAsync(_stop.Token);
        }

        public ControllerLoop Loop { get; }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            await Loop.DisposeAsync();
            _stop.Dispose();
        }
    }
}
