using Lamina.Api;
using Lamina.Linux.Processes;
using Lamina.Server.Control;
using Lamina.Server.Images;
using Lamina.Testing;
using Lamina.Testing.Storage;
using Xunit;

namespace Lamina.Tests.Integration.Disks;

/// <summary>What deaths of the daemon leave in a pool, and what becomes of it.</summary>
public sealed class PoolSweepTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private StorageWorld _world = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _world = await StorageWorld.StartAsync(_folder.File("pool"));

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Unfinished_files_of_nobody_are_removed_and_those_in_work_are_not()
    {
        var dead = _world.Pool.Temporary(StorageWorld.NewId());
        Directory.CreateDirectory(Path.Join(dead, "work", "root"));
        await File.WriteAllTextAsync(Path.Join(dead, "work", "root", "file"), "x", Cancellation);
        var deadFile = _world.Pool.Temporary(StorageWorld.NewId());
        await File.WriteAllTextAsync(deadFile, "x", Cancellation);
        var alive = _world.Pool.Temporary(StorageWorld.NewId());
        using var use = await _world.Rooms.Pools.Temporaries.UseAsync(alive, Cancellation);
        Directory.CreateDirectory(alive);

        var report = await SweepAsync();

        Assert.False(Directory.Exists(dead));
        Assert.False(File.Exists(deadFile));
        Assert.True(Directory.Exists(alive));
        Assert.Equal(2, report.Removed.Count);
    }

    [Fact]
    public async Task Tools_that_outlived_their_daemon_are_ended_with_their_folder()
    {
        var operation = StorageWorld.NewId();
        Directory.CreateDirectory(_world.Pool.Temporary(operation));
        using var tool = ChildProcess.Spawn(new ChildSpec
        {
            Program = "sleep",
            Arguments = ["600"],
            Environment = new Dictionary<string, string>(ChildSpec.DefaultEnvironment) { [ToolLeftovers.Mark] = operation },
        });
        // Between two programs of one process its environment reads as empty; a daemon that died did so long before the next one's sweep.
        while ((await File.ReadAllTextAsync($"/proc/{tool.ProcessId}/comm", Cancellation)).Trim() != "sleep") await Task.Delay(TimeSpan.FromMilliseconds(10), Cancellation);

        await SweepAsync();

        Assert.Equal(Signal.Kill, (await tool.WaitForExitAsync(Cancellation)).Signal);
        Assert.False(Directory.Exists(_world.Pool.Temporary(operation)));
    }

    [Fact]
    public async Task Committed_files_without_a_record_are_listed_and_never_removed()
    {
        var lost = _world.Pool.DiskFolder(StorageWorld.NewId());
        Directory.CreateDirectory(lost);
        await File.WriteAllTextAsync(Path.Join(lost, "disk.qcow2"), "precious", Cancellation);

        var report = await SweepAsync();

        Assert.Contains(lost, Assert.Single(report.Orphans), StringComparison.Ordinal);
        Assert.Empty(report.Removed);
        Assert.True(File.Exists(Path.Join(lost, "disk.qcow2")));
    }

    [Fact]
    public async Task Uploads_are_given_up_a_day_after_their_last_byte()
    {
        var file = _folder.File("data");
        await File.WriteAllBytesAsync(file, new byte[1000], Cancellation);
        var old = await _world.UploadAsync(file);
        var fresh = await _world.UploadAsync(file);
        var record = _world.Snapshot.Get(Keys.Uploads, old)!;
        await _world.CommitAsync(new StoreChange("test").Update(Keys.Uploads, old, record.Record with { CreatedAt = record.Record.CreatedAt.AddDays(-2) }, record.ModRevision));
        File.SetLastWriteTimeUtc(_world.Pool.Upload(old), record.Record.CreatedAt.AddDays(-2).UtcDateTime);
        await File.WriteAllTextAsync(_world.Pool.Upload(StorageWorld.NewId()), "its record is gone", Cancellation);

        await SweepAsync();

        Assert.Equal([_world.Pool.Upload(fresh)], Directory.GetFiles(_world.Pool.Uploads));
        await _world.UntilAsync(snapshot => snapshot.Get(Keys.Uploads, old) is null, Keys.Uploads);
        Assert.NotNull(_world.Snapshot.Get(Keys.Uploads, fresh));
    }

    [Fact]
    public async Task After_a_death_between_the_rename_and_the_commit_the_next_daemon_finishes()
    {
        var (operation, image, raw) = await DieBetweenRenameAndCommitAsync();

        await _world.StartAgainAsync();

        Assert.Equal(OperationPhase.Succeeded, (await _world.EndOfAsync(operation)).Phase);
        await DiskFiles.CompareAsync(raw, _world.Pool.Image(image));
        await AssertNothingToSweepAsync();
    }

    [Fact]
    public async Task After_a_death_between_the_rename_and_the_commit_a_cancelled_import_leaves_nothing()
    {
        var (operation, image, _) = await DieBetweenRenameAndCommitAsync();

        await _world.StartAgainAsync(beforeWork: () => _world.CancelAsync(operation));

        Assert.Equal(OperationPhase.Cancelled, (await _world.EndOfAsync(operation)).Phase);
        await _world.UntilAsync(snapshot => !snapshot.All(Keys.Images.Spec).Any(), Keys.Images.Spec);
        Assert.False(Directory.Exists(_world.Pool.ImageFolder(image)));
        await AssertNothingToSweepAsync();
    }

    private async Task<(string Operation, string Image, string Raw)> DieBetweenRenameAndCommitAsync()
    {
        await _world.DisposeAsync();
        DyingStore? dying = null;
        _world = await StorageWorld.StartAsync(_folder.File("pool2"), store => dying = new DyingStore(store, "/status", "images/"));
        var raw = _folder.File("disk.raw");
        DiskFiles.WriteRaw(raw, 8);
        var operation = await _world.ImportAsync("mine", await _world.UploadAsync(raw));
        var image = _world.Image("mine")!.Id;
        await dying!.Died;
        Assert.True(File.Exists(_world.Pool.Image(image)));
        await _world.StopAsync();
        return (operation, image, raw);
    }

    private async Task AssertNothingToSweepAsync()
    {
        var report = await SweepAsync();
        Assert.Empty(report.Orphans);
        Assert.Empty(report.Removed);
    }

    private async Task<SweepReport> SweepAsync()
    {
        await _world.Sweeper.SweepAsync(Cancellation);
        return _world.Sweeper.LastReports["pools"];
    }
}
