using Lamina.Server.Control;
using Lamina.Server.Store;
using Lamina.Testing.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using static Lamina.Tests.Unit.Store.StoreTestExtensions;

namespace Lamina.Tests.Unit.Control;

public sealed class CacheTests : IAsyncLifetime
{
    private readonly TestStore _test = TestStore.Create();
    private Cache? _cache;

    private Cache Cache => _cache!;

    public async ValueTask InitializeAsync()
    {
        await PutAsync("before", "0");
        _cache = await StartAsync(_test.Store);
    }

    public async ValueTask DisposeAsync()
    {
        await Cache.DisposeAsync();
        await _test.DisposeAsync();
    }

    [Fact]
    public void What_was_there_before_is_known_at_once() =>
        Assert.Equal("0", Cache.Snapshot.Get(Keys.Names, "before")!.Record.Owner);

    [Fact]
    public async Task A_reader_who_waits_for_the_revision_of_a_write_sees_it()
    {
        for (int number = 0; number < 50; number++)
        {
            long revision = await PutAsync("a", $"{number}");
            Assert.True(await Cache.WaitForRevisionAsync(revision, Deadline));
            var known = Cache.Snapshot.Get(Keys.Names, "a")!;
            Assert.Equal($"{number}", known.Record.Owner);
            Assert.Equal(revision, known.ModRevision);
        }
    }

    [Fact]
    public async Task A_revision_that_changed_only_secrets_is_waited_for_too_and_the_secret_is_not_here()
    {
        var change = new StoreChange("test").Create(Keys.Secrets, "s", new SecretRecord { Owner = "1", Sealed = [1, 2, 3] });
        long revision = (await change.CommitAsync(_test.Store, TimeProvider.System)).Revision;

        Assert.True(await Cache.WaitForRevisionAsync(revision, Deadline));
        Assert.Throws<ArgumentException>(() => Cache.Snapshot.Get(Keys.Secrets, "s"));
    }

    [Fact]
    public async Task Waiting_for_a_revision_that_does_not_come_ends()
    {
        Assert.False(await Cache.WaitForRevisionAsync(_test.Store.Revision + 1, TimeSpan.FromMilliseconds(1)));
        Assert.False(await Cache.WaitForRevisionAsync(_test.Store.Revision + 1, TimeSpan.Zero));
    }

    [Fact]
    public async Task A_snapshot_never_changes()
    {
        var before = Cache.Snapshot;
        await Cache.WaitForRevisionAsync(await PutAsync("before", "1"), Deadline);

        Assert.Equal("0", before.Get(Keys.Names, "before")!.Record.Owner);
        Assert.Equal("1", Cache.Snapshot.Get(Keys.Names, "before")!.Record.Owner);
        Assert.Equal(1, before.Count(Keys.Names));
    }

    [Fact]
    public async Task A_subscriber_sees_each_change_with_what_was_before()
    {
        using var subscription = Cache.Subscribe(Keys.Names);
        await PutAsync("a", "1");
        await new StoreChange("test").Put(Keys.Macs, "not asked for", new Claim { Owner = "x" }).CommitAsync(_test.Store, TimeProvider.System);
        await PutAsync("a", "2");
        await new StoreChange("test").Delete(Keys.Names["a"]).CommitAsync(_test.Store, TimeProvider.System);

        using var deadline = new CancellationTokenSource(Deadline);
        var batches = await subscription.ReadAllAsync(deadline.Token).Take(3).ToListAsync(deadline.Token);

        Assert.Equal([(null, "1"), ("1", "2"), ("2", null)], batches.Select(batch =>
        {
            Assert.True(Assert.Single(batch.Changes).Is(Keys.Names, out var before, out var after));
            return (before?.Record.Owner, after?.Record.Owner);
        }));
        Assert.Equal(batches.Select(batch => batch.Revision).Order(), batches.Select(batch => batch.Revision));
    }

    [Fact]
    public async Task A_slow_subscriber_is_told_to_resync_and_then_goes_on()
    {
        using var subscription = Cache.Subscribe(Keys.Names);
        long last = 0;
        for (int number = 0; number <= Cache.SubscriptionCapacity; number++) last = await PutAsync("a", $"{number}");
        await Cache.WaitForRevisionAsync(last, Deadline);
        using var deadline = new CancellationTokenSource(Deadline);
        var reader = subscription.ReadAllAsync(deadline.Token).GetAsyncEnumerator(deadline.Token);

        Assert.True(await reader.MoveNextAsync());
        Assert.True(reader.Current.Resync);
        Assert.Equal(last, reader.Current.Revision);
        Assert.Equal($"{Cache.SubscriptionCapacity}", reader.Current.Snapshot.Get(Keys.Names, "a")!.Record.Owner);
        long next = await PutAsync("a", "next");
        Assert.True(await reader.MoveNextAsync());
        Assert.False(reader.Current.Resync);
        Assert.Equal(next, reader.Current.Revision);
    }

    [Fact]
    public async Task A_subscription_that_was_left_ends()
    {
        var subscription = Cache.Subscribe(Keys.Names);
        subscription.Dispose();
        Assert.Empty(await subscription.ReadAllAsync().ToListAsync());
    }

    [Fact]
    public async Task An_unreadable_record_stays_as_it_was_known()
    {
        var result = await _test.Store.CommitAsync(Put(Keys.Names["before"], "{"), Put(Keys.Names["new"], "[]"));
        Assert.True(await Cache.WaitForRevisionAsync(result.Revision, Deadline));
        Assert.Equal("0", Cache.Snapshot.Get(Keys.Names, "before")!.Record.Owner);
        Assert.Null(Cache.Snapshot.Get(Keys.Names, "new"));
    }

    [Fact]
    public async Task After_a_gap_the_difference_is_one_batch_without_a_resync()
    {
        var store = new InterruptedStore(_test.Store);
        await using var cache = await StartAsync(store);
        using var subscription = cache.Subscribe(Keys.Names);
        store.Silent = true;
        await PutAsync("added", "1");
        await new StoreChange("test").Delete(Keys.Names["before"]).CommitAsync(_test.Store, TimeProvider.System);
        store.Break(new StoreCompactedException(_test.Store.Revision));

        using var deadline = new CancellationTokenSource(Deadline);
        var changes = new List<string>();
        await foreach (var batch in subscription.ReadAllAsync(deadline.Token))
        {
            Assert.False(batch.Resync);
            changes.AddRange(batch.Changes.Select(change => $"{change.Id} {(change.After is null ? "deleted" : "written")}"));
            if (changes.Count == 2) break;
        }

        Assert.Equal(["added written", "before deleted"], changes.Order());    }

    [Fact]
    public async Task A_store_that_goes_back_to_an_older_state_is_refused()
    {
        var store = new InterruptedStore(_test.Store);
        await using var cache = await StartAsync(store);
        long revision = cache.Revision;
        store.OlderBy = 1000;
        store.Break(new StoreCompactedException(revision));

        // The list of the start, the refused one, and the next attempt.
        for (int list = 0; list < 3; list++) Assert.True(await store.Listed.WaitAsync(Deadline));
        Assert.True(cache.IsStale);
        Assert.Equal(revision, cache.Revision);
        Assert.Equal("0", cache.Snapshot.Get(Keys.Names, "before")!.Record.Owner);
    }

    private async Task<long> PutAsync(string id, string owner) =>
        (await new StoreChange("test").Put(Keys.Names, id, new Claim { Owner = owner }).CommitAsync(_test.Store, TimeProvider.System)).Revision;

    private static async Task<Cache> StartAsync(IStore store)
    {
        var cache = new Cache(store, Keys.Cached, TimeProvider.System, NullLogger<Cache>.Instance);
        await cache.StartAsync();
        return cache;
    }
}
