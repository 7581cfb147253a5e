using Lamina.Server.Store;
using Lamina.Testing.Store;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Lamina.Tests.Unit.Store;

public sealed class SqliteCheckupTests
{
    [Fact]
    public async Task A_sound_store_is_described_while_it_is_in_use()
    {
        await using var test = TestStore.Create();
        await test.Store.PutAsync("a", "1");
        await test.Store.PutAsync("b", "2");
        var checkup = SqliteCheckup.Run(test.Folder);
        Assert.Equal((test.Store.StoreId, test.Store.Revision, 2), (checkup.StoreId, checkup.Revision, checkup.Keys));
    }

    [Fact]
    public void Where_no_store_is_that_is_said()
    {
        string nowhere = Path.Combine(Path.GetTempPath(), "lamina-no-such-store");
        Assert.Equal(StoreRefusal.Missing, Assert.Throws<StoreRefusedException>(() => SqliteCheckup.Run(nowhere)).Reason);
    }

    [Theory]
    [InlineData("UPDATE items SET mod_revision = 4711")]
    [InlineData("UPDATE items SET create_revision = 2, mod_revision = 1")]
    [InlineData("UPDATE items SET lease = 9")]
    [InlineData("DELETE FROM commits WHERE revision = 2")]
    public async Task Tables_that_disagree_are_found(string damage)
    {
        await using var test = TestStore.Create();
        await test.Store.PutAsync("a", "1");
        await test.Store.PutAsync("a", "2");
        await test.Store.DisposeAsync();
        Execute(SqliteStoreFolder.DatabaseIn(test.Folder), damage);
        Assert.Equal(StoreRefusal.Corrupt, Assert.Throws<StoreRefusedException>(() => SqliteCheckup.Run(test.Folder)).Reason);
    }

    private static void Execute(string database, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
