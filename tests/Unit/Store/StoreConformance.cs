using Lamina.Server.Store;
using Xunit;
using static Lamina.Tests.Unit.Store.StoreTestExtensions;

namespace Lamina.Tests.Unit.Store;

/// <summary>What every <see cref="IStore"/> promises. Run for each implementation by a class that opens one.</summary>
public abstract class StoreConformance : IAsyncLifetime
{
    private IStore? _store;

    private protected IStore Store => _store!;

    public async ValueTask InitializeAsync() => _store = await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    private protected abstract ValueTask<IStore> OpenAsync();

    private protected abstract ValueTask CloseAsync();

    /// <summary>Lets the time of leases pass.</summary>
    private protected abstract ValueTask AdvanceAsync(TimeSpan time);

    [Fact]
    public async Task A_key_that_is_absent_reads_as_null() => Assert.Null(await Store.GetAsync("vms/1/spec"));

    [Fact]
    public async Task A_put_key_reads_back_with_its_revisions()
    {
        long created = await Store.PutAsync("a", "1");
        long modified = await Store.PutAsync("a", "2");

        Assert.True(modified > created);
        Assert.Equal($"a=2 created {created} modified {modified} lease 0", StoreAssert.Show((await Store.GetAsync("a"))!));
    }

    [Fact]
    public async Task A_key_made_anew_has_a_new_create_revision()
    {
        await Store.PutAsync("a", "1");
        await Store.CommitAsync(new StoreWrite.Delete("a"));
        long again = await Store.PutAsync("a", "2");

        Assert.Equal(again, (await Store.GetAsync("a"))!.CreateRevision);
    }

    [Fact]
    public async Task One_failed_compare_refuses_all_writes()
    {
        long revision = await Store.PutAsync("taken", "1");
        var result = await Store.CommitAsync(new StoreTransaction
        {
            Compares = [new StoreCompare.ModRevision("taken", revision), new StoreCompare.Absent("taken")],
            Writes = [Put("other", "x"), Put("taken", "y")],
            ElseKeys = ["taken", "nowhere"],
        });

        Assert.False(result.Succeeded);
        Assert.Equal(revision, result.Revision);
        Assert.Equal([$"taken=1 created {revision} modified {revision} lease 0"], result.ElseItems.Select(StoreAssert.Show));
        Assert.Null(await Store.GetAsync("other"));
    }

    public static TheoryData<string, bool> Compares => new()
    {
        { "exists a", true }, { "exists b", false },
        { "absent a", false }, { "absent b", true },
        { "mod now", true }, { "mod former", false }, { "mod b", false },
        { "created then", true }, { "created later", false }, { "created b", false },
        { "value equal", true }, { "value other", false }, { "value prefix", false }, { "value b", false },
    };

    [Theory]
    [MemberData(nameof(Compares))]
    public async Task A_compare_holds_exactly_when_it_is_true(string name, bool holds)
    {
        long created = await Store.PutAsync("a", "first");
        long modified = await Store.PutAsync("a", "second");
        StoreCompare compare = name switch
        {
            "exists a" => new StoreCompare.Exists("a"),
            "exists b" => new StoreCompare.Exists("b"),
            "absent a" => new StoreCompare.Absent("a"),
            "absent b" => new StoreCompare.Absent("b"),
            "mod now" => new StoreCompare.ModRevision("a", modified),
            "mod former" => new StoreCompare.ModRevision("a", created),
            "mod b" => new StoreCompare.ModRevision("b", modified),
            "created then" => new StoreCompare.CreateRevision("a", created),
            "created later" => new StoreCompare.CreateRevision("a", modified),
            "created b" => new StoreCompare.CreateRevision("b", created),
            "value equal" => new StoreCompare.Value("a", Json("second")),
            "value other" => new StoreCompare.Value("a", Json("first")),
            "value prefix" => new StoreCompare.Value("a", Json("sec")),
            "value b" => new StoreCompare.Value("b", Json("second")),
            _ => throw new ArgumentOutOfRangeException(nameof(name)),
        };

        var result = await Store.CommitAsync(new StoreTransaction { Compares = [compare], Writes = [Put("done", "1")] });

        Assert.Equal(holds, result.Succeeded);
        Assert.Equal(holds, await Store.GetAsync("done") is not null);
    }

    [Fact]
    public async Task A_transaction_that_changes_nothing_has_no_revision()
    {
        long before = await Store.PutAsync("a", "1");
        var nothing = await Store.CommitAsync(new StoreWrite.Delete("absent"));

        Assert.True(nothing.Succeeded);
        Assert.Equal(before, nothing.Revision);
    }

    [Fact]
    public async Task The_same_transaction_sent_again_is_applied_once()
    {
        var transaction = new StoreTransaction { Compares = [new StoreCompare.Absent("a")], Writes = [Put("a", "1")] };
        var first = await Store.CommitAsync(transaction);
        await Store.PutAsync("b", "1");
        var second = await Store.CommitAsync(transaction);

        Assert.True(second.Succeeded);
        Assert.Equal(first.Revision, second.Revision);
        Assert.Equal(first.Revision, (await Store.GetAsync("a"))!.ModRevision);
    }

    [Fact]
    public async Task A_refused_transaction_may_succeed_when_sent_again()
    {
        var transaction = new StoreTransaction { Compares = [new StoreCompare.Exists("a")], Writes = [Put("b", "1")] };
        Assert.False((await Store.CommitAsync(transaction)).Succeeded);
        await Store.PutAsync("a", "1");
        Assert.True((await Store.CommitAsync(transaction)).Succeeded);
    }

    [Fact]
    public async Task Of_many_that_want_the_same_revision_one_wins()
    {
        long revision = await Store.PutAsync("counter", "0");
        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => Store.CommitAsync(new StoreTransaction
        {
            Compares = [new StoreCompare.ModRevision("counter", revision)],
            Writes = [Put("counter", $"{number}")],
        }).AsTask()));

        Assert.Single(results, result => result.Succeeded);
    }

    [Fact]
    public async Task Each_of_many_at_once_has_its_own_revision_and_no_refusal_harms_another()
    {
        await Store.PutAsync("taken", "0");
        var results = await Task.WhenAll(Enumerable.Range(0, 100).Select(number => Store.CommitAsync(new StoreTransaction
        {
            Compares = number % 3 == 0 ? [new StoreCompare.Absent("taken")] : [],
            Writes = [Put($"key{number}", "x")],
        }).AsTask()));

        Assert.Equal(Enumerable.Range(0, 100).Select(number => number % 3 != 0), results.Select(result => result.Succeeded));
        long[] revisions = [.. results.Where(result => result.Succeeded).Select(result => result.Revision)];
        Assert.Equal(revisions.Length, revisions.Distinct().Count());
        for (int number = 0; number < 100; number++)
            Assert.Equal(results[number].Succeeded ? results[number].Revision : null, (await Store.GetAsync($"key{number}"))?.ModRevision);
    }

    [Fact]
    public async Task A_prefix_is_deleted_and_nothing_beside_it()
    {
        await Store.CommitAsync(Put("vms/1", "x"), Put("vms/1/spec", "x"), Put("vms/1/status", "x"), Put("vms/10/spec", "x"), Put("vms/10", "x"));
        await Store.CommitAsync(new StoreWrite.DeletePrefix("vms/1/"));

        Assert.Equal(["vms/1", "vms/10", "vms/10/spec"], (await Store.AllAsync()).Select(item => item.Key));
    }

    [Fact]
    public async Task A_list_comes_in_pages_of_one_revision_whatever_is_written_meanwhile()
    {
        for (int from = 0; from < 2100; from += 100)
            await Store.CommitAsync([.. Enumerable.Range(from, 100).Select(number => Put($"k/{number:d5}", "old"))]);
        var pages = new List<StorePage>();
        await foreach (var page in Store.ListAsync(["k/"]))
        {
            pages.Add(page);
            await Store.CommitAsync(Put("k/02000", "new"), Put($"k/99999{pages.Count}", "new"), new StoreWrite.Delete($"k/0205{pages.Count}"));
        }

        Assert.Equal([1000, 1000, 100], pages.Select(page => page.Items.Count));
        Assert.Single(pages.Select(page => page.Revision).Distinct());
        Assert.All(pages.SelectMany(page => page.Items), item => Assert.Equal("old", System.Text.Encoding.UTF8.GetString(item.Value.Span)));
    }

    [Fact]
    public async Task A_list_of_several_prefixes_has_one_revision_and_an_empty_one_has_a_page()
    {
        long revision = (await Store.CommitAsync(Put("a/1", "x"), Put("b/1", "x"), Put("c/1", "x"))).Revision;
        var pages = await Store.ListAsync(["c/", "a/"]).ToListAsync();
        Assert.Equal(["c/1", "a/1"], pages.SelectMany(page => page.Items).Select(item => item.Key));
        Assert.All(pages, page => Assert.Equal(revision, page.Revision));

        var empty = Assert.Single(await Store.ListAsync(["z/"]).ToListAsync());
        Assert.Equal(revision, empty.Revision);
    }

    [Fact]
    public async Task A_list_goes_down_from_a_key_and_stops_at_a_limit()
    {
        await Store.CommitAsync([.. "abcdef".Select(letter => Put($"e/{letter}", "x"))]);
        await Store.CommitAsync(Put("d/z", "x"), Put("f/a", "x"));

        Assert.Equal(["e/f", "e/e"], await KeysAsync(new StoreListOptions { Descending = true, Limit = 2 }));
        Assert.Equal(["e/c", "e/b", "e/a"], await KeysAsync(new StoreListOptions { Descending = true, From = "e/c" }));
        Assert.Equal(["e/d", "e/e", "e/f"], await KeysAsync(new StoreListOptions { From = "e/d" }));
        Assert.Equal(["e/d", "e/e"], await KeysAsync(new StoreListOptions { From = "e/cc", Limit = 2 }));

        async Task<IEnumerable<string>> KeysAsync(StoreListOptions options) => (await Store.AllAsync("e/", options)).Select(item => item.Key);
    }

    [Fact]
    public async Task A_watch_gives_each_revision_once_and_in_order()
    {
        long start = await Store.PutAsync("before", "x");
        long first = (await Store.CommitAsync(Put("w/a", "1"), Put("w/b", "1"))).Revision;
        long second = (await Store.CommitAsync(Put("w/a", "2"), new StoreWrite.Delete("w/b"))).Revision;

        var batches = await Store.WatchUntilAsync(start, second);

        Assert.Equal(
            [
                $"{first}: w/a=1 created {first} modified {first} lease 0, w/b=1 created {first} modified {first} lease 0",
                $"{second}: w/a=2 created {first} modified {second} lease 0, w/b deleted",
            ],
            batches.Select(StoreAssert.Show));
    }

    [Fact]
    public async Task A_watch_shows_only_its_prefixes_and_the_progress_of_the_rest()
    {
        long start = await Store.PutAsync("x", "x");
        await Store.CommitAsync(Put("secrets/1", "hidden"), Put("vms/1", "1"));
        long last = await Store.PutAsync("secrets/2", "hidden");

        var batches = await Store.WatchUntilAsync(start, last, "vms/", "hosts/");

        Assert.Equal(["vms/1"], batches.SelectMany(batch => batch.Changes).Select(change => change.Key));
    }

    [Fact]
    public async Task A_watch_waits_for_what_comes()
    {
        long start = await Store.PutAsync("x", "x");
        var watching = Store.WatchUntilAsync(start, start + 1);
        long next = await Store.PutAsync("y", "y");

        Assert.Equal([next], (await watching.WaitAsync(Deadline)).Select(batch => batch.Revision));
    }

    [Fact]
    public async Task A_cancelled_watch_ends()
    {
        using var cancel = new CancellationTokenSource();
        var watching = Store.WatchAsync([""], await Store.PutAsync("x", "x"), cancel.Token).ToListAsync().AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => watching.WaitAsync(Deadline));
    }

    [Fact]
    public async Task A_cancelled_transaction_that_has_not_begun_is_not_done()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await Store.CommitAsync(new StoreTransaction { Writes = [Put("a", "1")] }, cancelled.Token));
        Assert.Null(await Store.GetAsync("a"));
    }

    [Fact]
    public async Task A_lease_not_kept_alive_takes_its_keys_with_it_in_one_revision()
    {
        long lease = await Store.GrantLeaseAsync(TimeSpan.FromSeconds(10));
        long start = (await Store.CommitAsync(Put("l/1", "x", lease), Put("l/2", "x", lease), Put("l/3", "x"))).Revision;
        await AdvanceAsync(TimeSpan.FromSeconds(6));
        Assert.True(await Store.KeepLeaseAliveAsync(lease));
        await AdvanceAsync(TimeSpan.FromSeconds(6));
        Assert.NotNull(await Store.GetAsync("l/1"));
        await AdvanceAsync(TimeSpan.FromSeconds(5));

        var batch = Assert.Single(await Store.WatchUntilAsync(start, start + 1));
        Assert.Equal(["l/1 deleted", "l/2 deleted"], batch.Changes.Select(StoreAssert.Show).Order());
        Assert.Equal(["l/3"], (await Store.AllAsync("l/")).Select(item => item.Key));
        Assert.False(await Store.KeepLeaseAliveAsync(lease));
    }

    [Fact]
    public async Task A_key_put_again_without_its_lease_stays()
    {
        long lease = await Store.GrantLeaseAsync(TimeSpan.FromSeconds(10));
        await Store.CommitAsync(Put("stays", "x", lease), Put("goes", "x", lease));
        await Store.PutAsync("stays", "y");
        await Store.RevokeLeaseAsync(lease);

        Assert.NotNull(await Store.GetAsync("stays"));
        Assert.Null(await Store.GetAsync("goes"));
    }

    [Fact]
    public async Task A_put_under_a_lease_that_is_gone_is_refused_whole()
    {
        long lease = await Store.GrantLeaseAsync(TimeSpan.FromSeconds(10));
        await Store.RevokeLeaseAsync(lease);
        await Store.RevokeLeaseAsync(lease);

        var refusal = await Assert.ThrowsAsync<StoreLeaseGoneException>(async () => await Store.CommitAsync(Put("a", "x"), Put("b", "x", lease)));
        Assert.Equal(lease, refusal.LeaseId);
        Assert.Null(await Store.GetAsync("a"));
    }

    [Fact]
    public async Task Keys_are_ordered_by_their_bytes_and_may_be_any_text()
    {
        string[] keys = ["a", "a/", "a0", "é", "하", "\uE000", "\U0001F600"];
        await Store.CommitAsync([.. keys.Reverse().Select(key => Put(key, key))]);
        Assert.Equal(keys, (await Store.AllAsync()).Select(item => item.Key));
    }

    [Fact]
    public async Task The_largest_transaction_is_taken()
    {
        await Store.CommitAsync([.. Enumerable.Range(0, 15).Select(number => new StoreWrite.Put($"big{number}", new byte[StoreLimits.ValueBytes]))]);
        var result = await Store.CommitAsync(new StoreTransaction
        {
            Compares = [.. Enumerable.Range(0, 100).Select(number => new StoreCompare.Absent($"many{number}"))],
            Writes = [.. Enumerable.Range(0, 100).Select(number => Put($"many{number}", "x"))],
            ElseKeys = [.. Enumerable.Range(0, 100).Select(number => $"many{number}")],
        });

        Assert.True(result.Succeeded);
        Assert.Equal(15, (await Store.AllAsync("big")).Count);
    }

    [Fact]
    public async Task What_breaks_a_limit_is_refused_before_it_is_sent()
    {
        long before = await Store.PutAsync("a", "x");
        StoreTransaction[] broken =
        [
            new() { Writes = [.. Enumerable.Range(0, 101).Select(number => Put($"{number}", "x"))] },
            new() { Writes = [new StoreWrite.Put("a", new byte[StoreLimits.ValueBytes + 1])] },
            new() { Writes = [.. Enumerable.Range(0, 17).Select(number => new StoreWrite.Put($"{number}", new byte[StoreLimits.ValueBytes]))] },
            new() { Writes = [Put("a", "1"), Put("a", "2")] },
            new() { Writes = [Put("a", "1"), new StoreWrite.Delete("a")] },
            new() { Writes = [Put("a/b", "1"), new StoreWrite.DeletePrefix("a/")] },
            new() { Writes = [new StoreWrite.DeletePrefix("a/"), new StoreWrite.DeletePrefix("a/b")] },
            new() { Writes = [new StoreWrite.DeletePrefix("")] },
            new() { Writes = [Put("", "x")] },
            new() { Writes = [Put("a\0b", "x")] },
            new() { Writes = [Put("\uD800", "x")] },
            new() { Writes = [Put(new string('k', StoreLimits.KeyBytes + 1), "x")] },
            new() { Compares = [.. Enumerable.Range(0, 101).Select(number => new StoreCompare.Absent($"{number}"))] },
        ];

        foreach (var transaction in broken) await Assert.ThrowsAnyAsync<ArgumentException>(async () => await Store.CommitAsync(transaction));
        Assert.Equal(before, (await Store.ListAsync(["a"]).FirstAsync()).Revision);
    }
}
