using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Linux;
using Lamina.Server;
using Lamina.Server.Store;
using Lamina.Testing.Server;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Lamina.Tests.Integration.Store;

/// <summary>The way back from a store that the daemon refuses, by the very commands that its refusal names.</summary>
public sealed class StoreRefusalTests
{
    private static readonly Action<TestDaemon> Corrupt = daemon =>
    {
        byte[] bytes = File.ReadAllBytes(Database(daemon));
        Array.Fill(bytes, (byte)0xA5, bytes.Length / 2, 6000);
        File.WriteAllBytes(Database(daemon), bytes);
    };

    private static readonly Action<TestDaemon> Newer = daemon =>
    {
        using var connection = new SqliteConnection($"Data Source={Database(daemon)};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA user_version = 4711";
        command.ExecuteNonQuery();
    };

    private static readonly Action<TestDaemon> Lost = daemon => File.Delete(Database(daemon));

    [Fact]
    public Task A_damaged_store_comes_back_from_the_daemons_own_backup() => ComesBackAsync(Corrupt, "cannot be used");

    [Fact]
    public Task A_store_of_a_newer_version_comes_back_from_a_backup_made_before() => ComesBackAsync(Newer, "the form 4711");

    [Fact]
    public Task A_lost_store_comes_back_from_a_backup() => ComesBackAsync(Lost, "is not there");

    [Fact]
    public async Task While_a_daemon_runs_the_store_is_copied_and_checked_but_not_replaced()
    {
        await using var daemon = await TestDaemon.StartAsync();
        string copy = Path.Combine(daemon.Instance.DataDirectory, "copy.db");
        Assert.Contains("copied", (await LaminadAsync(daemon, 0, "store", "backup", copy)).Output, StringComparison.Ordinal);
        Assert.Contains("already", (await LaminadAsync(daemon, 1, "store", "backup", copy)).Errors, StringComparison.Ordinal);
        Assert.Contains("sound", (await LaminadAsync(daemon, 0, "store", "check")).Output, StringComparison.Ordinal);

        Assert.Contains("in use by another laminad", (await LaminadAsync(daemon, 1, "store", "restore", copy)).Errors, StringComparison.Ordinal);

        await daemon.Client.Projects.CreateAsync(new Project { Name = "still-served" }, TestContext.Current.CancellationToken);
    }

    private static async Task ComesBackAsync(Action<TestDaemon> harm, string complaint)
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var daemon = await TestDaemon.StartAsync();
        await daemon.Client.Projects.CreateAsync(new Project { Name = "before" }, cancellation);
        string backup = Path.Combine(daemon.Instance.BackupDirectory, StoreBackupPlan.NameAt(DateTimeOffset.UnixEpoch));
        await LaminadAsync(daemon, 0, "store", "backup", backup);
        await daemon.Daemon.DisposeAsync();
        harm(daemon);

        string refusal = (await LaminadAsync(daemon, 1)).Errors;
        Assert.Contains(complaint, refusal, StringComparison.Ordinal);
        Assert.Contains("'laminad store restore FILE'", refusal, StringComparison.Ordinal);
        string newest = refusal.Split("The newest backup that the daemon made: ")[1].Trim();

        // The daemon's own first backup may be older than the project.
        await LaminadAsync(daemon, 0, "store", "restore", newest);
        await LaminadAsync(daemon, 0, "store", "restore", backup);
        await daemon.RestartAsync();
        var told = await Assert.ThrowsAsync<LaminaException>(() => daemon.Client.Projects.GetAsync("before", cancellation));
        Assert.Equal("revision.otherStore", told.Problem.Code);
        Assert.Equal("before", (await daemon.Client.Projects.GetAsync("before", cancellation)).Value.Name);
        Assert.Contains("sound", (await LaminadAsync(daemon, 0, "store", "check")).Output, StringComparison.Ordinal);
    }

    private static string Database(TestDaemon daemon) => SqliteStoreFolder.DatabaseIn(daemon.Instance.StoreDirectory);

    private static async Task<(string Output, string Errors)> LaminadAsync(TestDaemon daemon, int expected, params string[] words)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var instance = daemon.Instance;
        string[] place = ["--instance", instance.Name, "--data", instance.DataDirectory, "--run", instance.RunDirectory, "--config", instance.ConfigurationDirectory, "--log", instance.LogDirectory];
        int exit = await Laminad.RunAsync([.. words, .. place], BootTimeProvider.Shared, output, errors);
        Assert.True(exit == expected, $"laminad {string.Join(' ', words)} ended with {exit}: {output}{errors}");
        return (output.ToString(), errors.ToString());
    }
}
