using Lamina.Server.Store;
using Lamina.Testing.Store;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Lamina.Tests.Unit.Store;

public sealed class StoreBackupsTests
{
    [Fact]
    public async Task A_fortnight_of_hourly_questions_leaves_a_week_of_daily_backups()
    {
        await using var test = TestStore.Create();
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 7, 30, 12, 0, 0, TimeSpan.Zero));
        string folder = Path.Combine(test.Folder, "backups");
        var backups = new StoreBackups(folder, SqliteStoreFolder.DatabaseIn(test.Folder), time);
        for (int hour = 0; hour < 14 * 24; hour++)
        {
            await test.Store.PutAsync("hour", $"{hour}");
            await backups.RunAsync(TestContext.Current.CancellationToken);
            time.Advance(TimeSpan.FromHours(1));
        }

        var days = Directory.EnumerateFiles(folder).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal).ToArray();
        Assert.Equal(Enumerable.Range(6, 7).Select(day => $"store-202608{day:00}T120000Z.db"), days);
        Assert.EndsWith("store-20260812T120000Z.db", StoreBackups.Newest(folder, time.GetUtcNow()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_death_left_half_made_is_removed_and_no_backup_lost_when_a_new_one_fails()
    {
        await using var test = TestStore.Create();
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 7, 30, 12, 0, 0, TimeSpan.Zero));
        string folder = Path.Combine(test.Folder, "backups");
        await new StoreBackups(folder, SqliteStoreFolder.DatabaseIn(test.Folder), time).RunAsync(TestContext.Current.CancellationToken);
        File.WriteAllText(Path.Combine(folder, ".tmp-store-20260730T110000Z.db"), "half");
        time.Advance(TimeSpan.FromDays(1));

        await Assert.ThrowsAsync<StoreUnavailableException>(
            () => new StoreBackups(folder, Path.Combine(test.Folder, "nowhere.db"), time).RunAsync(TestContext.Current.CancellationToken));

        Assert.Equal(["store-20260730T120000Z.db"], Directory.EnumerateFiles(folder).Select(file => Path.GetFileName(file)));
    }
}
