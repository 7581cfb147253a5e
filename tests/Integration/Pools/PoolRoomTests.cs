using Lamina.Api;
using Lamina.Linux.Processes;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Pools;
using Lamina.Testing;
using Lamina.Testing.Storage;
using Xunit;

namespace Lamina.Tests.Integration.Pools;

/// <summary>A pool that is really small and really gets full.</summary>
public sealed class PoolRoomTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private SmallFileSystem _small = null!;
    private StorageWorld _world = null!;

    public async ValueTask InitializeAsync()
    {
        _small = await SmallFileSystem.MountAsync(64);
        _world = await StorageWorld.StartAsync(_small.Path);
    }

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        await _small.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public void The_pools_folders_let_nobody_in_but_root()
    {
        foreach (var folder in _world.Pool.Folders.Append(_world.PoolFolder))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
    }

    [Fact]
    public async Task The_status_tells_the_pools_room()
    {
        await _world.UntilAsync(snapshot => snapshot.Get(Keys.Pools.Status, _world.PoolId) is not null, Keys.Pools.Status);

        var status = _world.Snapshot.Get(Keys.Pools.Status, _world.PoolId)!.Record;
        Assert.True(status.Available);
        Assert.Equal(64L << 20, status.TotalBytes);
        Assert.InRange(status.FreeBytes, 60L << 20, 64L << 20);
    }

    [Fact]
    public void Room_is_refused_before_the_pool_fills()
    {
        Assert.Null(_world.Rooms.Pools.TryReserve(_world.PoolId, "a", "the upload", 40L << 20));
        var refusal = _world.Rooms.Pools.TryReserve(_world.PoolId, "b", "the upload", 30L << 20);
        Assert.Equal(PoolAccounting.PoolFull, refusal!.Code);
        _world.Rooms.Pools.Release("a");
        Assert.Null(_world.Rooms.Pools.TryReserve(_world.PoolId, "b", "the upload", 30L << 20));
    }

    [Fact]
    public async Task Content_that_unpacks_to_more_than_there_is_room_for_is_refused_before_it_is_copied()
    {
        var raw = _folder.File("zeros.raw");
        var bomb = _folder.File("bomb.qcow2");
        await File.WriteAllBytesAsync(raw, [.. Enumerable.Repeat((byte)7, 200 << 20)], TestContext.Current.CancellationToken);
        await DiskFiles.QemuImgAsync("convert", "-c", "-O", "qcow2", raw, bomb);
        Assert.InRange(new FileInfo(bomb).Length, 1, 4 << 20);

        var state = await _world.EndOfAsync(await _world.ImportAsync("bomb", await _world.UploadAsync(bomb)));

        Assert.Equal((OperationPhase.Failed, PoolAccounting.PoolFull), (state.Phase, state.Failure!.Code));
        Assert.InRange(_world.Rooms.Pools.Room(_world.PoolId).FreeBytes, 55L << 20, 64L << 20);
    }

    [Fact]
    public async Task An_upload_stops_at_a_full_pool_and_goes_on_when_there_is_room()
    {
        var id = StorageWorld.NewId();
        var spec = new UploadSpec { Pool = _world.PoolId, SizeBytes = 8 << 20 };
        var ballast = Path.Join(_small.Path, "ballast");
        await FillAsync(ballast, leave: 2 << 20);
        var content = new byte[8 << 20];
        Random.Shared.NextBytes(content);

        var full = await Assert.ThrowsAsync<ProblemException>(() => _world.Rooms.Uploads.AppendAsync(id, spec, 0, new MemoryStream(content), CancellationToken.None));
        Assert.Equal((ProblemKind.NoSpace, PoolAccounting.PoolFull), (full.Kind, full.Code));

        File.Delete(ballast);
        var offset = _world.Rooms.Uploads.OffsetOf(id, spec);
        Assert.InRange(offset, 1, content.Length - 1);
        var end = await _world.Rooms.Uploads.AppendAsync(id, spec, offset, new MemoryStream(content, (int)offset, content.Length - (int)offset), CancellationToken.None);
        Assert.Equal(content.Length, end);
        Assert.Equal(content, await File.ReadAllBytesAsync(_world.Pool.Upload(id), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task No_disk_is_made_in_a_full_pool_and_none_is_left_half_made()
    {
        await FillAsync(Path.Join(_small.Path, "ballast"), leave: 1 << 20);
        var spec = new DiskSpec { Name = "web-0", Pool = _world.PoolId, SizeBytes = 1L << 30 };

        var full = await Assert.ThrowsAsync<ProblemException>(() => _world.Rooms.Disks.EnsureAsync(StorageWorld.NewId(), spec, CancellationToken.None));

        Assert.Equal(ProblemKind.NoSpace, full.Kind);
        Assert.Empty(Directory.GetFileSystemEntries(_world.Pool.Disks));
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_small.Path), entry => entry.Contains(".tmp-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Whoever_waits_for_room_is_told_when_it_is_back()
    {
        var ballast = Path.Join(_small.Path, "ballast");
        await FillAsync(ballast, leave: 1 << 20);
        Assert.False(_world.Rooms.Pools.HasRoomToResume(_world.PoolId));
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));

        var waiting = _world.Rooms.Pools.WaitForRoomAsync(_world.PoolId, deadline.Token);
        Assert.False(waiting.IsCompleted);
        File.Delete(ballast);

        await waiting;
        Assert.True(_world.Rooms.Pools.HasRoomToResume(_world.PoolId));
    }

    private async Task FillAsync(string path, long leave)
    {
        var free = _world.Rooms.Pools.Room(_world.PoolId).FreeBytes;
        (await Command.RunAsync(new CommandSpec { Program = "fallocate", Arguments = ["-l", $"{free - leave}", path], Timeout = TimeSpan.FromSeconds(30) }, CancellationToken.None)).EnsureSuccess();
    }
}
