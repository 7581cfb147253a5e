using System.Threading.Channels;
using Lamina.Server.Control;
using Lamina.Server.Store;
using Lamina.Testing;
using Lamina.Testing.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lamina.Tests.Unit.Control;

/// <summary>Two daemons over one store, in the test's time.</summary>
public sealed class LeadershipTests : IAsyncLifetime
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly WatchedTime _time = new();
    private readonly TestStore _test;

    public LeadershipTests() => _test = TestStore.Create(_time);

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _test.DisposeAsync();

    [Fact]
    public async Task On_a_store_of_its_own_a_daemon_leads_at_once_also_after_it_died()
    {
        await using var first = await StartAsync("host1");
        var former = await first.TermAsync();
        first.Die();

        // No time passes: the key is that of this very host, whose daemon can only be the former one.
        await using var second = await StartAsync("host1");
        var term = await second.TermAsync();
        Assert.True(term.LeaderRevision > former.LeaderRevision);
        Assert.False((await ClaimAsync(former)).Succeeded);
        Assert.True((await ClaimAsync(term)).Succeeded);
    }

    [Fact]
    public async Task The_key_of_a_version_without_elections_is_no_claim()
    {
        await new StoreChange("test").Create(Keys.Leader, "", new LeaderRecord { Host = "host0", Incarnation = "x" }).CommitAsync(_test.Store, _time);
        await using var daemon = await StartAsync("host1");
        Assert.NotNull(await daemon.TermAsync());
    }

    [Fact]
    public async Task While_one_leads_the_other_waits_and_when_it_resigns_the_other_leads_at_once()
    {
        await using var first = await StartAsync("host1");
        var former = await first.TermAsync();
        await using var second = await StartAsync("host2");
        await second.Waiting;
        Assert.Null(second.Leadership.Term);

        await first.StopAsync();
        var term = await second.TermAsync();
        Assert.Equal(("host2", term.LeaderRevision), await LeaderAsync());
        Assert.False((await ClaimAsync(former)).Succeeded);
    }

    [Fact]
    public async Task A_leader_that_dies_is_replaced_when_its_lease_ends()
    {
        await using var first = await StartAsync("host1");
        var former = await first.TermAsync();
        await using var second = await StartAsync("host2");
        await second.Waiting;
        first.Die();
        _time.Advance(Leadership.TimeToLive);

        var term = await second.TermAsync();
        Assert.Equal(("host2", term.LeaderRevision), await LeaderAsync());
        Assert.False((await ClaimAsync(former)).Succeeded);
        Assert.True((await ClaimAsync(term)).Succeeded);
    }

    [Fact]
    public async Task A_leader_that_lives_keeps_its_term()
    {
        await using var daemon = await StartAsync("host1");
        var term = await daemon.TermAsync();
        using var deadline = new CancellationTokenSource(Deadline);
        for (int renewal = 1; renewal <= 12; renewal++)
        {
            await _time.WaitedForAsync(deadline.Token, Leadership.TimeToLive / 3);
            _time.Advance(Leadership.TimeToLive / 3);
            await daemon.Store.Renewals.ReadAsync(deadline.Token);
            Assert.Equal(("host1", term.LeaderRevision), await LeaderAsync());
        }

        Assert.Equal(term, daemon.Leadership.Term);
    }

    [Fact]
    public async Task A_leader_that_cannot_reach_the_store_stops_its_controllers_and_leads_again_when_it_can()
    {
        await using var daemon = await StartAsync("host1");
        var former = await daemon.TermAsync();
        daemon.Store.IsAway = true;
        using var deadline = new CancellationTokenSource(Deadline);
        var ended = daemon.EndedAsync();
        await _time.AdvanceUntilAsync(ended, deadline.Token, Leadership.TimeToLive / 3);
        Assert.Equal(former, await ended);

        // It may wait for its next try already, or soon.
        daemon.Store.IsAway = false;
        _time.Advance(TimeSpan.FromSeconds(1));
        var next = daemon.TermAsync();
        await _time.AdvanceUntilAsync(next, deadline.Token, TimeSpan.FromSeconds(1));
        Assert.True((await next).LeaderRevision > former.LeaderRevision);
    }

    [Fact]
    public async Task A_leader_whose_key_was_made_anew_stops_its_controllers()
    {
        await using var daemon = await StartAsync("host1");
        var former = await daemon.TermAsync();
        await new StoreChange("test").Delete(Keys.Leader[""]).CommitAsync(_test.Store, _time);
        Assert.Equal(former, await daemon.EndedAsync());
        Assert.True((await daemon.TermAsync()).LeaderRevision > former.LeaderRevision);
    }

    [Fact]
    public async Task In_another_generation_the_daemon_ends()
    {
        await using var daemon = await StartAsync("host1");
        await daemon.TermAsync();
        await new StoreChange("test").Put(Keys.Generation, "", new GenerationRecord { Number = 2 }).CommitAsync(_test.Store, _time);
        await Assert.ThrowsAsync<TermEndedException>(() => daemon.Running.WaitAsync(Deadline));
    }

    [Fact]
    public async Task A_controller_that_fails_ends_the_daemon_and_its_lead()
    {
        await using var daemon = await StartAsync("host1");
        await daemon.TermAsync();
        daemon.Fail(new InvalidOperationException("broken"));
        Assert.Equal("broken", (await Assert.ThrowsAsync<InvalidOperationException>(() => daemon.Running.WaitAsync(Deadline))).Message);
        Assert.Null(await _test.Store.GetAsync(Keys.Leader[""]));
    }

    private Task<Daemon> StartAsync(string host) => Daemon.StartAsync(_test.Store, host, _time);

    private async Task<(string Host, long Revision)> LeaderAsync()
    {
        var item = (await _test.Store.GetAsync(Keys.Leader[""]))!;
        return (RecordJson.Read(item, Keys.Leader).Host, item.CreateRevision);
    }

    private ValueTask<CommitResult> ClaimAsync(Term term) =>
        new StoreChange("test").Put(Keys.Names, "n", new Claim { Owner = "1" }).During(term).CommitAsync(_test.Store, _time);

    /// <summary>One daemon: its view of the store, its cache, and a controller that tells when it is begun and ended.</summary>
    private sealed class Daemon : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Channel<Term> _begun = Channel.CreateUnbounded<Term>();
        private readonly Channel<Term> _ended = Channel.CreateUnbounded<Term>();
        private readonly TaskCompletionSource _failure = new();
        private readonly Cache _cache;

        private Daemon(AwayStore store, Cache cache, Leadership leadership)
        {
            Store = store;
            _cache = cache;
            Leadership = leadership;
        }

        public AwayStore Store { get; }

        public Leadership Leadership { get; }

        public Task Running { get; private set; } = Task.CompletedTask;

        /// <summary>It has seen that somebody leads.</summary>
        public Task Waiting => Store.Looked.WaitAsync(Deadline);

        public static async Task<Daemon> StartAsync(IStore shared, string host, TimeProvider time)
        {
            var store = new AwayStore(shared);
            var cache = new Cache(store, Keys.Cached, time, NullLogger<Cache>.Instance);
            await cache.StartAsync();
            var generation = await StoreGeneration.EnsureAsync(store, time);
            var self = new LeaderRecord { Host = host, Incarnation = $"{host}.boot" };
            var daemon = new Daemon(store, cache, new Leadership(store, cache, generation, self, time, NullLogger<Leadership>.Instance));
            daemon.Leadership.Add("test", daemon.ControlAsync);
            daemon.Running = daemon.Leadership.RunAsync(daemon._stop.Token);
            return daemon;
        }

        public Task<Term> TermAsync() => _begun.Reader.ReadAsync().AsTask().WaitAsync(Deadline);

        public Task<Term> EndedAsync() => _ended.Reader.ReadAsync().AsTask().WaitAsync(Deadline);

        public void Fail(Exception failure) => _failure.SetException(failure);

        /// <summary>Nothing that it does reaches the store any more.</summary>
        public void Die() => Store.IsAway = true;

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await Running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            await _cache.DisposeAsync();
            _stop.Dispose();
        }

        private async Task ControlAsync(Term term, CancellationToken stopping)
        {
            _begun.Writer.TryWrite(term);
            try
            {
                await _failure.Task.WaitAsync(stopping);
            }
            finally
            {
                _ended.Writer.TryWrite(term);
            }
        }
    }
}
