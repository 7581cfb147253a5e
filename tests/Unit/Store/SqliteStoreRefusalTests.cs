using System.Security.Cryptography;
using Lamina.Server.Store;
using Lamina.Testing.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Lamina.Tests.Unit.Store;

/// <summary>A store that cannot be used is refused with a way back, and stays as it is.</summary>
public sealed class SqliteStoreRefusalTests : IAsyncLifetime
{
    private readonly TestStore _test = TestStore.Create();

    private string Database => Path.Combine(_test.Folder, "store.db");

    private string Description => Path.Combine(_test.Folder, "store.json");

    public async ValueTask InitializeAsync()
    {
        for (int number = 0; number < 200; number++) await _test.Store.PutAsync($"vms/{number}/spec", new string('x', 500));
        await _test.Store.DisposeAsync();
    }

    public ValueTask DisposeAsync()
    {
        Directory.Delete(_test.Folder, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_store_in_use_is_refused_to_a_second_daemon()
    {
        await using var first = Open();
        var refusal = Assert.Throws<StoreRefusedException>(Open);
        Assert.Equal(StoreRefusal.InUse, refusal.Reason);
        Assert.Contains(_test.Folder, refusal.Message);
    }

    [Fact]
    public void A_damaged_page_is_found()
    {
        byte[] bytes = File.ReadAllBytes(Database);
        Array.Fill(bytes, (byte)0xA5, bytes.Length / 2, 6000);
        File.WriteAllBytes(Database, bytes);
        AssertRefused(StoreRefusal.Corrupt);
    }

    [Fact]
    public void A_truncated_file_is_found()
    {
        using (var file = File.OpenWrite(Database)) file.SetLength(file.Length / 2);
        AssertRefused(StoreRefusal.Corrupt);
    }

    [Fact]
    public void A_file_of_garbage_is_found()
    {
        File.WriteAllText(Database, new string('?', 20_000));
        AssertRefused(StoreRefusal.Corrupt);
    }

    [Fact]
    public void An_empty_file_is_found()
    {
        File.WriteAllText(Database, "");
        AssertRefused(StoreRefusal.Corrupt);
    }

    [Fact]
    public void A_database_of_another_program_is_left_alone()
    {
        Execute("PRAGMA application_id = 4711");
        AssertRefused(StoreRefusal.Corrupt);
    }

    [Fact]
    public void A_store_of_a_newer_version_is_left_alone()
    {
        Execute("PRAGMA user_version = 2");
        AssertRefused(StoreRefusal.Newer);
    }

    [Fact]
    public void A_lost_database_is_not_replaced_by_an_empty_one()
    {
        File.Delete(Database);
        AssertRefused(StoreRefusal.Missing);
        Assert.False(File.Exists(Database));
    }

    [Fact]
    public void A_description_of_another_store_is_refused()
    {
        File.WriteAllText(Description, """{"kind":"sqlite","storeId":"0123456789ab"}""");
        AssertRefused(StoreRefusal.Missing);
    }

    [Fact]
    public void A_kind_of_store_that_this_build_does_not_know_is_refused()
    {
        File.WriteAllText(Description, """{"kind":"other","storeId":"0123456789ab"}""");
        AssertRefused(StoreRefusal.UnknownKind);
    }

    [Fact]
    public void An_unreadable_description_is_refused()
    {
        File.WriteAllText(Description, "{");
        AssertRefused(StoreRefusal.Corrupt);
    }

    [Fact]
    public async Task A_death_before_the_description_was_written_is_no_loss()
    {
        File.Delete(Description);
        await using var store = Open();
        Assert.Equal(200, (await store.AllAsync("vms/")).Count);
        Assert.Contains(store.StoreId, File.ReadAllText(Description));
    }

    [Fact]
    public async Task The_folder_is_for_its_owner_only()
    {
        await using var store = Open();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Database));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Description));
    }

    private SqliteStore Open() => SqliteStore.Open(_test.Folder, TimeProvider.System, NullLogger<SqliteStore>.Instance);

    private void AssertRefused(StoreRefusal reason)
    {
        string before = Fingerprint();
        var refusal = Assert.Throws<StoreRefusedException>(Open);
        Assert.Equal(reason, refusal.Reason);
        Assert.NotEmpty(refusal.Remedy);
        Assert.Equal(before, Fingerprint());
    }

    private string Fingerprint() => string.Join('\n', new[] { Database, Description }
        .Where(File.Exists)
        .Select(file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))));

    private void Execute(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
