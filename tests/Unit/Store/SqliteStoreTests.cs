using Lamina.Server.Store;
using Lamina.Testing.Store;
using Microsoft.Extensions.Time.Testing;
using Xunit;
using static Lamina.Tests.Unit.Store.StoreTestExtensions;

namespace Lamina.Tests.Unit.Store;

/// <summary>What is particular to the SQLite store: its file, its history, its restarts.</summary>
public sealed class SqliteStoreTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 12, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task What_was_committed_is_there_after_a_restart_and_revisions_go_on()
    {
        await using var test = TestStore.Create();
        string storeId = test.Store.StoreId;
        long before = await test.Store.PutAsync("a", "1");
        await test.ReopenAsync();

        Assert.Equal(storeId, test.Store.StoreId);
        Assert.Equal(before, (await test.Store.GetAsync("a"))!.ModRevision);
        Assert.Equal(before + 1, await test.Store.PutAsync("a", "2"));
    }

    [Fact]
    public async Task What_was_answered_is_there_after_a_sudden_death()
    {
        await using var test = TestStore.Create();
        await WriteManyAsync(test.Store, 300);
        var expected = await test.Store.AllAsync();

        // The files as a killed process leaves them: the newest transactions only in the write-ahead log.
        string left = Directory.CreateTempSubdirectory("lamina-store-").FullName;
        foreach (string name in (string[])["store.json", "store.db", "store.db-wal"])
            File.Copy(Path.Combine(test.Folder, name), Path.Combine(left, name));

        await using var after = TestStore.Open(left);
        StoreAssert.Same(expected, await after.Store.AllAsync());
        Assert.Equal(test.Store.Revision, after.Store.Revision);
    }

    [Fact]
    public async Task A_nonce_is_remembered_across_a_restart()
    {
        await using var test = TestStore.Create();
        var transaction = new StoreTransaction { Compares = [new StoreCompare.Absent("a")], Writes = [Put("a", "1")] };
        var first = await test.Store.CommitAsync(transaction);
        await test.ReopenAsync();

        Assert.Equal(first.Revision, (await test.Store.CommitAsync(transaction)).Revision);
    }

    [Fact]
    public async Task A_watcher_who_lags_gets_the_older_revisions_from_the_history()
    {
        await using var test = TestStore.Create();
        long start = test.Store.Revision;
        await test.Store.PutAsync("k", "first");
        var seen = new List<long>();
        using var deadline = new CancellationTokenSource(Deadline);
        await foreach (var batch in test.Store.WatchAsync(["k"], start, deadline.Token))
        {
            // Far more than are held in memory, written while this watcher stands still.
            if (seen.Count == 0) await WriteManyAsync(test.Store, 700);
            seen.Add(batch.Revision);
            if (batch.Revision == start + 701) break;
        }

        Assert.Equal(Enumerable.Range(1, 701).Select(number => start + number), seen);
    }

    [Fact]
    public async Task Old_revisions_are_forgotten_and_a_watch_from_them_says_so()
    {
        await using var test = TestStore.Create(_time, new SqliteStoreOptions { KeepRevisions = 20, KeepAge = TimeSpan.FromMinutes(2) });
        long start = test.Store.Revision;
        await WriteManyAsync(test.Store, 600);
        Assert.Equal(600, (await test.Store.WatchUntilAsync(start, start + 600)).Count);

        _time.Advance(TimeSpan.FromMinutes(3));
        await WriteManyAsync(test.Store, 200);

        long end = start + 800;
        var compacted = await Assert.ThrowsAsync<StoreCompactedException>(() => test.Store.WatchUntilAsync(start, end));
        Assert.Equal(2 * SqliteCompaction.RevisionsPerStep, compacted.OldestRevision);
        var held = await test.Store.WatchUntilAsync(compacted.OldestRevision, end);
        Assert.Equal(end - compacted.OldestRevision, held.Count);
        Assert.True((await test.Store.AllAsync("k")).Count > 1);
        await test.ReopenAsync();
        await Assert.ThrowsAsync<StoreCompactedException>(() => test.Store.WatchUntilAsync(start, end));
        Assert.Equal(held.Count, (await test.Store.WatchUntilAsync(compacted.OldestRevision, end)).Count);
    }

    [Fact]
    public async Task A_lease_begins_anew_when_the_store_is_opened()
    {
        await using var test = TestStore.Create(_time);
        long lease = await test.Store.GrantLeaseAsync(TimeSpan.FromSeconds(10));
        long start = (await test.Store.CommitAsync(Put("l", "x", lease))).Revision;
        _time.Advance(TimeSpan.FromSeconds(9));
        await test.ReopenAsync();
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.NotNull(await test.Store.GetAsync("l"));
        _time.Advance(TimeSpan.FromSeconds(2));

        Assert.Equal(["l deleted"], (await test.Store.WatchUntilAsync(start, start + 1)).SelectMany(batch => batch.Changes).Select(StoreAssert.Show));
        Assert.NotEqual(lease, await test.Store.GrantLeaseAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task An_idle_store_writes_nothing()
    {
        await using var test = TestStore.Create(_time);
        await test.Store.GrantLeaseAsync(TimeSpan.FromDays(30));
        await test.Store.PutAsync("a", "1");
        var before = Files(test.Folder);
        _time.Advance(TimeSpan.FromDays(1));
        await test.Store.AllAsync();

        Assert.Equal(before, Files(test.Folder));

        static string[] Files(string folder) =>
            [.. new DirectoryInfo(folder).GetFiles().OrderBy(file => file.Name).Select(file => $"{file.Name} {file.Length} {file.LastWriteTimeUtc:O}")];
    }

    [Fact]
    public async Task While_another_program_locks_the_file_writes_are_refused_and_afterwards_they_work()
    {
        await using var test = TestStore.Create();
        long before = await test.Store.PutAsync("a", "1");
        using (var other = SqliteConnections.OpenBare(Path.Combine(test.Folder, "store.db")))
        {
            SqliteConnections.Execute(other, "BEGIN IMMEDIATE");
            var refusals = Enumerable.Range(0, 5).Select(number => Assert.ThrowsAsync<StoreUnavailableException>(() => test.Store.PutAsync("b", $"{number}")));
            Assert.All(await Task.WhenAll(refusals), refusal => Assert.Contains("locked", refusal.Message));
            Assert.NotNull(await test.Store.GetAsync("a"));
        }

        Assert.Equal(before + 1, await test.Store.PutAsync("b", "1"));
        Assert.Equal([before + 1], (await test.Store.WatchUntilAsync(before, before + 1)).Select(batch => batch.Revision));
    }

    [Fact]
    public async Task After_it_is_closed_the_store_refuses_writes()
    {
        var test = TestStore.Create();
        await test.DisposeAsync();
        await Assert.ThrowsAsync<StoreUnavailableException>(() => test.Store.PutAsync("a", "1"));
    }

    private static async Task WriteManyAsync(SqliteStore store, int count) =>
        await Task.WhenAll(Enumerable.Range(0, count).Select(number => store.PutAsync($"k{number % 7}", $"{number}")));
}
