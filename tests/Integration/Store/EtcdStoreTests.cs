using System.Net;
using System.Net.Sockets;
using System.Text;
using Grpc.Core;
using Lamina.Server.Store;
using Lamina.Server.Store.Etcd;
using Lamina.Server.Store.Etcd.Protocol;
using Lamina.Testing;
using Lamina.Testing.Store;
using Lamina.Tests.Unit.Store;
using static Lamina.Tests.Unit.Store.StoreTestExtensions;

namespace Lamina.Tests.Integration.Store;

/// <summary>What goes wrong between a daemon and etcd, and between etcd and its disk.</summary>
public sealed class EtcdStoreTests(SharedEtcd etcd) : IClassFixture<SharedEtcd>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_dead_member_is_left_for_the_next()
    {
        await using var store = await EtcdStore.OpenAsync(Before("http://127.0.0.1:1", etcd.Server.NewAccess), TimeProvider.System, Cancellation);
        long revision = await store.PutAsync("a", "1");
        Assert.Equal(revision, (await store.GetAsync("a", Cancellation))!.ModRevision);
        Assert.Single(await store.WatchUntilAsync(revision - 1, revision));
    }

    [Fact]
    public async Task A_member_that_takes_calls_and_never_answers_is_left()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var store = await EtcdStore.OpenAsync(Before($"http://{silent.LocalEndpoint}", etcd.Server.NewAccess), TimeProvider.System, Cancellation);
        Assert.True((await store.CommitAsync(Put("a", "1"))).Succeeded);
    }

    /// <summary>Deadlines are no matter of the wall clock (decision 7): one that is hours off, or is set back in the midst of a call, keeps nobody waiting for hours.</summary>
    [Theory]
    [InlineData(3)]
    [InlineData(-3)]
    public async Task A_wall_clock_that_is_hours_off_changes_nothing(int hours)
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var clock = new JumpingTime(TimeProvider.System) { Ahead = TimeSpan.FromHours(hours) };
        await using var store = await EtcdStore.OpenAsync(Before($"http://{silent.LocalEndpoint}", etcd.Server.NewAccess), clock, Cancellation).WaitAsync(Deadline, Cancellation);
        Assert.True((await store.CommitAsync(Put("a", "1")).AsTask().WaitAsync(Deadline, Cancellation)).Succeeded);
        clock.Ahead = -clock.Ahead;
        Assert.NotNull(await store.GetAsync("a", Cancellation).AsTask().WaitAsync(Deadline, Cancellation));
        long lease = await store.GrantLeaseAsync(TimeSpan.FromMinutes(1), Cancellation);
        clock.Ahead = TimeSpan.FromHours(hours);
        Assert.True(await store.KeepLeaseAliveAsync(lease, Cancellation));
    }

    [Fact]
    public async Task An_answer_lost_after_the_commit_is_settled_and_nothing_is_written_twice()
    {
        var access = etcd.Server.NewAccess;
        await using var relay = new LossyRelay(access.Endpoints[0]);
        await using var store = await EtcdStore.OpenAsync(Before(relay.Endpoint, access), TimeProvider.System, Cancellation);
        long before = await store.PutAsync("counter", "0");
        relay.LosesAnswers = true;

        // Through the relay it is carried out, and refused when it comes again by the other way: only the nonce tells that this was it.
        var result = await store.CommitAsync(Next(before), Cancellation);
        Assert.True(result.Succeeded);
        var item = (await store.GetAsync("counter", Cancellation))!;
        Assert.Equal((result.Revision, "1"), (item.ModRevision, Encoding.UTF8.GetString(item.Value.Span)));
        Assert.Equal([result.Revision], (await store.WatchUntilAsync(before, result.Revision)).Select(batch => batch.Revision));
    }

    [Fact]
    public async Task Without_a_second_member_a_lost_answer_is_unknown_and_settles_when_etcd_can_be_reached_again()
    {
        var access = etcd.Server.NewAccess;
        await using var relay = new LossyRelay(access.Endpoints[0]);
        await using var store = await EtcdStore.OpenAsync(access with { Endpoints = [relay.Endpoint] }, TimeProvider.System, Cancellation);
        long before = await store.PutAsync("counter", "0");
        relay.LosesAnswers = true;
        var transaction = Next(before);
        await Assert.ThrowsAsync<StoreOutcomeUnknownException>(async () => await store.CommitAsync(transaction, Cancellation));

        relay.LosesAnswers = false;
        relay.Cut();
        var settled = await store.CommitSettledAsync(transaction, Deadline, TimeProvider.System, Cancellation);
        Assert.True(settled.Succeeded);
        Assert.Equal(settled.Revision, (await store.GetAsync("counter", Cancellation))!.ModRevision);
    }

    [Fact]
    public async Task A_refusal_that_settles_holds_for_the_attempt_still_under_way()
    {
        var access = etcd.Server.NewAccess;
        await using var relay = new LossyRelay(access.Endpoints[0]);
        await using var store = await EtcdStore.OpenAsync(access with { Endpoints = [relay.Endpoint] }, TimeProvider.System, Cancellation);
        await using var other = await EtcdStore.OpenAsync(access, TimeProvider.System, Cancellation);
        await other.PutAsync("lock", "theirs");
        await store.PutAsync("other", "1");
        var transaction = new StoreTransaction { Compares = [new StoreCompare.Absent("lock")], Writes = [Put("lock", "ours")] };
        relay.HoldsRequests = true;
        await Assert.ThrowsAsync<StoreOutcomeUnknownException>(async () => await store.CommitAsync(transaction, Cancellation));
        relay.HoldsRequests = false;
        relay.Cut();
        Assert.False((await store.CommitSettledAsync(transaction, Deadline, TimeProvider.System, Cancellation)).Succeeded);

        // The first attempt, as if it came only now: its compare holds, and it must not be carried out.
        await other.CommitAsync(new StoreWrite.Delete("lock"));
        Assert.False((await other.CommitAsync(transaction, Cancellation)).Succeeded);
        Assert.Null(await other.GetAsync("lock", Cancellation));
    }

    /// <summary>As on a host that is busy: to give it up and begin anew would go on for as long as the host is busy.</summary>
    [Fact]
    public async Task A_slow_handshake_is_not_given_up()
    {
        await using var own = await EtcdServer.StartAsync(tls: true);
        await using var relay = new LossyRelay(own.Access.Endpoints[0]) { Hesitation = TimeSpan.FromSeconds(1.2) };
        using var calls = new EtcdEndpoints(own.Access with { Endpoints = [relay.Endpoint] });
        int attempts = 0;
        while (true)
        {
            try
            {
                attempts++;
                await new EtcdCalls(calls, TimeProvider.System).AskAsync(async (connection, options) => await connection.Maintenance.StatusAsync(new StatusRequest(), options), Cancellation);
                return;
            }
            catch (StoreUnavailableException) when (attempts < 10)
            {
                // The connection is made meanwhile, and serves the next call.
            }
        }
    }

    [Fact]
    public async Task Without_any_member_nothing_is_written_and_that_is_said()
    {
        await using var own = await EtcdServer.StartAsync();
        await using var store = await EtcdStore.OpenAsync(own.Access, TimeProvider.System, Cancellation);
        await store.PutAsync("a", "1");
        await own.KillAsync();

        // The first calls may find the dead connection, and then cannot know.
        Exception? failure;
        do failure = await Record.ExceptionAsync(async () => await store.PutAsync("c", "1"));
        while (failure is StoreOutcomeUnknownException);
        Assert.IsType<StoreUnavailableException>(failure);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.GetAsync("a", Cancellation));
        await own.StartAgainAsync();
        Assert.NotNull(await store.GetAsync("a", Cancellation));
        Assert.Null(await store.GetAsync("c", Cancellation));
    }

    [Fact]
    public async Task While_etcd_is_halted_an_outcome_is_unknown_and_settles_when_it_goes_on()
    {
        await using var own = await EtcdServer.StartAsync();
        await using var store = await EtcdStore.OpenAsync(own.Access, TimeProvider.System, Cancellation);
        long before = await store.PutAsync("counter", "0");
        own.Pause();
        var transaction = Next(before);
        await Assert.ThrowsAsync<StoreOutcomeUnknownException>(async () => await store.CommitAsync(transaction, Cancellation));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.GetAsync("counter", Cancellation));

        own.Continue();
        var settled = await store.CommitSettledAsync(transaction, Deadline, TimeProvider.System, Cancellation);
        Assert.True(settled.Succeeded);
        Assert.Equal(settled.Revision, (await store.GetAsync("counter", Cancellation))!.ModRevision);
    }

    [Fact]
    public async Task A_watch_goes_on_without_a_gap_when_its_member_was_started_anew()
    {
        await using var own = await EtcdServer.StartAsync();
        await using var store = await EtcdStore.OpenAsync(own.Access, TimeProvider.System, Cancellation);
        long start = await store.PutAsync("a", "0");
        using var deadline = new CancellationTokenSource(Deadline);
        var watch = new RestartedWatch(store, start, deadline.Token);
        Assert.Equal(await store.PutAsync("a", "1"), await watch.NextAsync());

        await own.KillAsync();
        await own.StartAgainAsync();
        long after = await store.PutAsync("a", "2");
        Assert.Equal(after, await watch.NextAsync());
    }

    [Fact]
    public async Task A_revision_no_longer_held_is_refused_and_the_one_named_instead_is_held()
    {
        var access = etcd.Server.NewAccess;
        await using var store = await EtcdStore.OpenAsync(access, TimeProvider.System, Cancellation);
        long first = await store.PutAsync("a", "1");
        await store.CommitAsync(new StoreWrite.Delete("a"));
        long last = await store.PutAsync("b", "1");
        using var connection = new EtcdConnection(access.Endpoints[0], access);
        await connection.Kv.CompactAsync(new CompactionRequest { Revision = last - 1, Physical = true }, cancellationToken: Cancellation);

        var compacted = await Assert.ThrowsAsync<StoreCompactedException>(() => store.WatchUntilAsync(first, last));
        Assert.Equal(last - 1, compacted.OldestRevision);
        Assert.Equal([last], (await store.WatchUntilAsync(compacted.OldestRevision, last)).Select(batch => batch.Revision));
    }

    [Fact]
    public async Task An_older_state_in_the_place_of_the_one_seen_is_refused()
    {
        await using var own = await EtcdServer.StartAsync();
        await using var store = await EtcdStore.OpenAsync(own.Access, TimeProvider.System, Cancellation);
        for (int number = 0; number < 5; number++) await store.PutAsync("a", $"{number}");
        long seen = await store.PutAsync("a", "last");
        await own.KillAsync();
        own.Wipe();
        await own.StartAgainAsync();

        // The same names and addresses make the same cluster id: only the revisions tell.
        var refusal = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.GetAsync("a", Cancellation));
        Assert.Contains("older state", refusal.Message);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => store.WatchUntilAsync(seen, seen + 1));
    }

    [Fact]
    public async Task With_certificates_only_those_of_the_authority_get_in()
    {
        await using var own = await EtcdServer.StartAsync(tls: true);
        await using var store = await EtcdStore.OpenAsync(own.Access, TimeProvider.System, Cancellation);
        Assert.True((await store.CommitAsync(Put("a", "1"))).Succeeded);

        await Assert.ThrowsAsync<StoreUnavailableException>(
            () => EtcdStore.OpenAsync(own.Access with { CertificateFile = null, KeyFile = null }, TimeProvider.System, Cancellation));
        using var folder = new Lamina.Testing.TemporaryFolder();
        var strangers = EtcdCertificates.Make(folder.Path, "127.0.0.1");
        await Assert.ThrowsAsync<StoreUnavailableException>(
            () => EtcdStore.OpenAsync(strangers with { Endpoints = own.Access.Endpoints }, TimeProvider.System, Cancellation));
        await Assert.ThrowsAsync<StoreRefusedException>(
            () => EtcdStore.OpenAsync(own.Access with { CaFile = folder.File("none.pem") }, TimeProvider.System, Cancellation));
    }

    [Fact]
    public async Task Other_members_can_be_named_while_it_is_open()
    {
        await using var first = await EtcdServer.StartAsync();
        var access = etcd.Server.NewAccess;
        await using var store = await EtcdStore.OpenAsync(access, TimeProvider.System, Cancellation);
        await store.PutAsync("a", "1");
        store.Use(access with { Endpoints = first.Access.Endpoints });
        var refusal = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.GetAsync("a", Cancellation));
        Assert.Contains("another cluster", refusal.Message);
        store.Use(access);
        Assert.NotNull(await store.GetAsync("a", Cancellation));
    }

    [Fact]
    public async Task Who_opened_the_store_in_another_generation_writes_nothing_more()
    {
        const string generation = "store/generation";
        var access = etcd.Server.NewAccess;
        await using var former = await EtcdStore.OpenAsync(access, TimeProvider.System, Cancellation);
        Assert.True((await former.CommitAsync(Put(generation, """{"number":1}"""))).Succeeded);
        Assert.True((await former.CommitAsync(Put("a", "1"))).Succeeded);
        await using var present = await EtcdStore.OpenAsync(access, TimeProvider.System, Cancellation);
        Assert.True((await present.CommitAsync(Put(generation, """{"number":2}"""))).Succeeded);

        var refusal = await Assert.ThrowsAsync<StoreUnavailableException>(async () => await former.CommitAsync(Put("a", "2")));
        Assert.Contains("another generation", refusal.Message);
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await former.CommitAsync(new StoreWrite.Delete("a")));
        Assert.True((await present.CommitAsync(Put("b", "1"))).Succeeded);
        Assert.Equal("1", Encoding.UTF8.GetString((await present.GetAsync("a", Cancellation))!.Value.Span));
    }

    private static EtcdAccess Before(string endpoint, EtcdAccess access) => access with { Endpoints = [endpoint, .. access.Endpoints] };

    private static StoreTransaction Next(long revision) => new()
    {
        Compares = [new StoreCompare.ModRevision("counter", revision)],
        Writes = [Put("counter", "1")],
    };

    /// <summary>Reads batches with changes one after the other.</summary>
    private sealed class RestartedWatch(IStore store, long after, CancellationToken cancellation)
    {
        private IAsyncEnumerator<StoreBatch>? _batches;
        private long _position = after;

        public async Task<long> NextAsync()
        {
            while (true)
            {
                _batches ??= store.WatchAsync([""], _position, cancellation).GetAsyncEnumerator(cancellation);
                try
                {
                    await _batches.MoveNextAsync();
                }
                catch (StoreUnavailableException)
                {
                    // It was away for longer than a watch waits: from where it stood, as the interface says.
                    _batches = null;
                    continue;
                }

                _position = _batches.Current.Revision;
                if (_batches.Current.Changes.Count > 0) return _position;
            }
        }
    }
}
