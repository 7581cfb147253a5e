using Lamina.Server.Store;
using Lamina.Testing.Store;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lamina.Tests.Unit.Store;

public sealed class SqliteBackupTests
{
    [Fact]
    public async Task A_backup_taken_while_others_write_is_one_state()
    {
        await using var test = TestStore.Create();
        using var stop = new CancellationTokenSource();
        var writing = Task.Run(async () =>
        {
            for (int number = 0; !stop.IsCancellationRequested; number++)
                await test.Store.CommitAsync(StoreTestExtensions.Put("left", $"{number}"), StoreTestExtensions.Put("right", $"{number}"));
        });
        await test.Store.WatchUntilAsync(test.Store.Revision, test.Store.Revision + 5);
        string file = Path.Combine(test.Folder, "backup.db");
        await test.Store.BackupAsync(file);
        await test.Store.BackupAsync(file);
        await stop.CancelAsync();
        await writing;

        await using var restored = Restore(file);
        var items = await restored.Store.AllAsync();
        Assert.Equal(2, items.Count);
        Assert.True(items[0].Value.Span.SequenceEqual(items[1].Value.Span));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Fact]
    public async Task A_restore_brings_the_records_back_under_a_new_store_id_and_keeps_what_was_there()
    {
        await using var test = TestStore.Create();
        string formerId = test.Store.StoreId;
        await test.Store.PutAsync("a", "then");
        string file = Path.Combine(test.Folder, "backup.db");
        await test.Store.BackupAsync(file);
        await test.Store.PutAsync("a", "now");
        await test.Store.DisposeAsync();

        string? former = SqliteBackup.Restore(file, test.Folder, TimeProvider.System);

        await using var store = SqliteStore.Open(test.Folder, TimeProvider.System, NullLogger<SqliteStore>.Instance);
        Assert.NotEqual(formerId, store.StoreId);
        Assert.StartsWith("a=then", StoreAssert.Show((await store.GetAsync("a"))!), StringComparison.Ordinal);
        Assert.True(File.Exists(former));
    }

    [Fact]
    public async Task A_restore_is_refused_while_a_daemon_runs()
    {
        await using var test = TestStore.Create();
        string file = Path.Combine(test.Folder, "backup.db");
        await test.Store.BackupAsync(file);

        var refusal = Assert.Throws<StoreRefusedException>(() => SqliteBackup.Restore(file, test.Folder, TimeProvider.System));
        Assert.Equal(StoreRefusal.InUse, refusal.Reason);
    }

    [Theory]
    [InlineData("nowhere", nameof(StoreRefusal.Missing))]
    [InlineData("garbage", nameof(StoreRefusal.Corrupt))]
    public async Task A_restore_of_no_backup_changes_nothing(string name, string reason)
    {
        await using var test = TestStore.Create();
        await test.Store.PutAsync("a", "1");
        await test.Store.DisposeAsync();
        File.WriteAllText(Path.Combine(test.Folder, "garbage"), new string('?', 9000));

        var refusal = Assert.Throws<StoreRefusedException>(
            () => SqliteBackup.Restore(Path.Combine(test.Folder, name), test.Folder, TimeProvider.System));

        Assert.Equal(reason, refusal.Reason.ToString());
        await using var store = SqliteStore.Open(test.Folder, TimeProvider.System, NullLogger<SqliteStore>.Instance);
        Assert.NotNull(await store.GetAsync("a"));
    }

    [Fact]
    public async Task A_backup_that_cannot_be_written_leaves_no_file()
    {
        await using var test = TestStore.Create();
        string file = Path.Combine(test.Folder, "no such folder", "backup.db");
        await Assert.ThrowsAsync<StoreUnavailableException>(() => test.Store.BackupAsync(file));
        Assert.False(File.Exists(file));
    }

    private static TestStore Restore(string file)
    {
        var fresh = Directory.CreateTempSubdirectory("lamina-restore-").FullName;
        SqliteBackup.Restore(file, fresh, TimeProvider.System);
        return TestStore.Open(fresh);
    }
}
