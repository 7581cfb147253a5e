using Lamina.Api;
using Lamina.Server;
using Lamina.Server.Control;
using Lamina.Server.Disks;
using Lamina.Server.Pools;
using Lamina.Testing;
using Lamina.Testing.Storage;
using Xunit;

namespace Lamina.Tests.Integration.Disks;

/// <summary>Disks as qemu-img sees them.</summary>
public sealed class HostDisksTests : IAsyncLifetime
{
    private const long GiB = 1L << 30;

    private readonly TemporaryFolder _folder = new();
    private StorageWorld _world = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _world = await StorageWorld.StartAsync(_folder.File("pool"));

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(1L << 20)]
    [InlineData((1L << 20) + 512)]
    [InlineData(10 * GiB)]
    [InlineData(DiskRules.MaxSizeBytes)]
    public async Task An_empty_qcow2_is_what_qemu_img_calls_sound(long size)
    {
        var id = StorageWorld.NewId();
        var status = await _world.Rooms.Disks.EnsureAsync(id, Spec(size), Cancellation);

        Assert.Equal(ContentState.Ready, status!.State);
        var path = _world.Pool.Disk(id, DiskFormat.Qcow2);
        await DiskFiles.QemuImgAsync("check", "-f", "qcow2", path);
        var info = (await DiskFiles.QemuImgAsync("info", "-f", "qcow2", "--output=json", path)).OutputText;
        Assert.Contains($"\"virtual-size\": {size},", info, StringComparison.Ordinal);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
    }

    [Fact]
    public async Task A_raw_disk_is_sparse()
    {
        var id = StorageWorld.NewId();
        var status = await _world.Rooms.Disks.EnsureAsync(id, Spec(GiB) with { Format = DiskFormat.Raw }, Cancellation);

        Assert.Equal(GiB, new FileInfo(_world.Pool.Disk(id, DiskFormat.Raw)).Length);
        Assert.InRange(status!.AllocatedBytes, 0, 1 << 20);
    }

    [Fact]
    public async Task A_clone_shows_its_images_content_and_writes_stay_its_own()
    {
        var raw = _folder.File("disk.raw");
        DiskFiles.WriteRaw(raw, 16);
        var image = await ImportAsync(raw);
        var spec = Spec(64 << 20) with { Image = image.Id };
        var id = StorageWorld.NewId();

        await _world.Rooms.Disks.EnsureAsync(id, spec, Cancellation);

        var paths = _world.Rooms.Disks.PathsOf(id, spec);
        await DiskFiles.QemuImgAsync("check", "-f", "qcow2", paths.Path);
        await DiskFiles.CompareAsync(raw, paths.Path); // the rest reads as zeros
        await WriteWithQemuIoAsync(paths.Path);
        await DiskFiles.CompareAsync(raw, paths.Backing.Single().Path);
        await DiskFiles.QemuImgAsync("check", "-f", "qcow2", paths.Path);
        Assert.True(_world.Rooms.Disks.AllocatedBytes(id, spec) >= 1 << 20);
    }

    [Fact]
    public async Task A_disk_that_is_there_is_never_made_again()
    {
        var id = StorageWorld.NewId();
        var spec = Spec(GiB);
        await _world.Rooms.Disks.EnsureAsync(id, spec, Cancellation);
        await WriteWithQemuIoAsync(_world.Pool.Disk(id, DiskFormat.Qcow2));
        var before = await File.ReadAllBytesAsync(_world.Pool.Disk(id, DiskFormat.Qcow2), Cancellation);

        // Not recorded yet, as after a death before the commit; then recorded.
        Assert.NotNull(await _world.Rooms.Disks.EnsureAsync(id, spec, Cancellation));
        await RecordAsync(id, spec);
        Assert.Null(await _world.Rooms.Disks.EnsureAsync(id, spec, Cancellation));

        Assert.Equal(before, await File.ReadAllBytesAsync(_world.Pool.Disk(id, DiskFormat.Qcow2), Cancellation));
    }

    [Fact]
    public async Task A_recorded_disk_whose_file_is_gone_is_missed_and_not_replaced_by_an_empty_one()
    {
        var id = StorageWorld.NewId();
        await RecordAsync(id, Spec(GiB));

        var missing = await Assert.ThrowsAsync<ProblemException>(() => _world.Rooms.Disks.EnsureAsync(id, Spec(GiB), Cancellation));

        Assert.Equal("disk.missing", missing.Code);
        Assert.Empty(Directory.GetFileSystemEntries(_world.Pool.Disks));
    }

    [Fact]
    public async Task A_clone_of_a_vanished_image_is_not_made()
    {
        var missing = await Assert.ThrowsAsync<ProblemException>(
            () => _world.Rooms.Disks.EnsureAsync(StorageWorld.NewId(), Spec(GiB) with { Image = StorageWorld.NewId() }, Cancellation));
        Assert.Equal("image.missing", missing.Code);
    }

    [Fact]
    public async Task Deleting_is_safe_to_repeat()
    {
        var id = StorageWorld.NewId();
        var spec = Spec(GiB);
        await _world.Rooms.Disks.EnsureAsync(id, spec, Cancellation);

        _world.Rooms.Disks.Delete(id, spec);
        _world.Rooms.Disks.Delete(id, spec);

        Assert.Empty(Directory.GetFileSystemEntries(_world.Pool.Disks));
    }

    [Fact]
    public async Task An_image_with_a_clone_is_not_deleted_and_stays_usable()
    {
        var raw = _folder.File("disk.raw");
        DiskFiles.WriteRaw(raw, 4);
        var image = await ImportAsync(raw);
        var disk = StorageWorld.NewId();
        await _world.CommitAsync(new StoreChange("test").Create(Keys.Disks.Spec, disk, Spec(GiB) with { Name = "web-0", Image = image.Id }));

        var refused = await _world.EndOfAsync(await _world.DeleteImageAsync(_world.Image("base")!));
        Assert.Equal((OperationPhase.Failed, "image.inUse"), (refused.Phase, refused.Failure!.Code));
        Assert.Contains("web-0", refused.Failure.Message, StringComparison.Ordinal);
        Assert.Null(_world.Image("base")!.Record.Deleting);
        Assert.True(File.Exists(_world.Pool.Image(image.Id)));

        await _world.CommitAsync(new StoreChange("test").DeletePrefix(Keys.Disks.All(disk)));
        Assert.Equal(OperationPhase.Succeeded, (await _world.EndOfAsync(await _world.DeleteImageAsync(_world.Image("base")!))).Phase);
        Assert.Null(_world.Image("base"));
        Assert.Empty(Directory.GetFileSystemEntries(_world.Pool.Images));
    }

    [Fact]
    public void Firmware_variables_are_copied_once_and_then_the_VMs_own()
    {
        var vm = StorageWorld.NewId();
        var path = HostNvram.Ensure(_world.Pool, vm);
        Assert.Equal(new FileInfo(HostNvram.Template).Length, new FileInfo(path).Length);
        File.WriteAllText(path, "changed by the guest");

        Assert.Equal(path, HostNvram.Ensure(_world.Pool, vm));
        Assert.Equal("changed by the guest", File.ReadAllText(path));
        HostNvram.Ensure(_world.Pool, vm, HostNvram.Template, resets: 1);
        Assert.Equal(new FileInfo(HostNvram.Template).Length, new FileInfo(path).Length);
        File.WriteAllText(path, "the guest's");
        HostNvram.Ensure(_world.Pool, vm, HostNvram.Template, resets: 1);
        Assert.Equal("the guest's", File.ReadAllText(path));
        Assert.Equal("firmware.missing", Assert.Throws<ProblemException>(() => HostNvram.Ensure(_world.Pool, StorageWorld.NewId(), "/nowhere")).Code);
    }

    private async Task<CachedRecord<ImageSpec>> ImportAsync(string raw)
    {
        Assert.Equal(OperationPhase.Succeeded, (await _world.EndOfAsync(await _world.ImportAsync("base", await _world.UploadAsync(raw)))).Phase);
        return _world.Image("base")!;
    }

    private Task RecordAsync(string id, DiskSpec spec) => _world.CommitAsync(new StoreChange("test")
        .Create(Keys.Disks.Spec, id, spec)
        .Put(Keys.Disks.Status, id, new DiskStatus { State = ContentState.Ready }));

    private static async Task WriteWithQemuIoAsync(string path) =>
        (await Lamina.Linux.Processes.Command.RunAsync(
            new() { Program = "qemu-io", Arguments = ["-f", "qcow2", "-c", "write -P 9 0 1M", path], Timeout = TimeSpan.FromSeconds(30) }, Cancellation)).EnsureSuccess();

    private DiskSpec Spec(long size) => new() { Name = "disk", Pool = _world.PoolId, SizeBytes = size };
}
