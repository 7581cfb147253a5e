using System.Buffers.Binary;
using System.Security.Cryptography;
using Lamina.Api;
using Lamina.Server.Control;
using Lamina.Server.Images;
using Lamina.Testing;
using Lamina.Testing.Storage;
using Xunit;

namespace Lamina.Tests.Integration.Images;

/// <summary>Imports by the real qemu-img, of whole disks and of files that mean harm.</summary>
public sealed class ImageImportTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private StorageWorld _world = null!;

    public async ValueTask InitializeAsync() => _world = await StorageWorld.StartAsync(_folder.File("pool"));

    public async ValueTask DisposeAsync()
    {
        await _world.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("raw", "raw")]
    [InlineData("qcow2", "qcow2")]
    [InlineData("qcow2", "qcow2", "-o", "compat=0.10")]
    [InlineData("qcow2", "qcow2", "-c")]
    [InlineData("vmdk", "vmdk")]
    [InlineData("vmdk", "vmdk", "-o", "subformat=streamOptimized")]
    [InlineData("vhdx", "vhdx")]
    [InlineData("vdi", "vdi")]
    public async Task A_disk_of_each_format_comes_in_whole(string format, string driver, params string[] options)
    {
        var raw = _folder.File("disk.raw");
        var file = _folder.File("disk." + format);
        DiskFiles.WriteRaw(raw, 24);
        if (format != "raw") await DiskFiles.QemuImgAsync(["convert", "-O", format, .. options, raw, file]);
        var upload = await _world.UploadAsync(file);
        var sha256 = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(file)));

        var state = await _world.EndOfAsync(await _world.ImportAsync("mine", upload, sha256.ToUpperInvariant()));

        Assert.Equal((OperationPhase.Succeeded, null), (state.Phase, state.Failure?.Message));
        var image = _world.Image("mine")!;
        var status = _world.Snapshot.Get(Keys.Images.Status, image.Id)!.Record;
        Assert.Equal((ContentState.Ready, 24L << 20, driver, sha256), (status.State, status.VirtualSizeBytes, status.SourceFormat, status.Sha256));
        var path = _world.Pool.Image(image.Id);
        await DiskFiles.CompareAsync(raw, path);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead, File.GetUnixFileMode(path));
        Assert.Null(_world.Snapshot.Get(Keys.Uploads, upload));
        AssertNothingLeft(images: 1, uploads: 0);
    }

    [Fact]
    public async Task A_qcow2_on_a_file_of_ours_is_refused_and_leaves_nothing()
    {
        var file = _folder.File("overlay.qcow2");
        await DiskFiles.QemuImgAsync("create", "-q", "-f", "qcow2", "-b", "/etc/passwd", "-F", "raw", file, "1M");

        await AssertRefusedAsync(file, "/etc/passwd");
    }

    [Fact]
    public async Task A_qcow2_with_its_data_in_another_file_is_refused()
    {
        var file = _folder.File("outside.qcow2");
        await DiskFiles.QemuImgAsync("create", "-q", "-f", "qcow2", "-o", $"data_file={_folder.File("data.raw")},data_file_raw=on", file, "1M");

        await AssertRefusedAsync(file, "another file");
    }

    [Theory]
    [InlineData("monolithicFlat")]
    [InlineData("twoGbMaxExtentSparse")]
    public async Task A_VMDK_whose_extents_are_other_files_is_refused(string subformat)
    {
        var file = _folder.File("parts.vmdk");
        await DiskFiles.QemuImgAsync("create", "-q", "-f", "vmdk", "-o", "subformat=" + subformat, file, "1M");

        await AssertRefusedAsync(file, "names other files");
    }

    [Fact]
    public async Task A_VMDK_on_a_parent_is_refused()
    {
        var parent = _folder.File("parent.vmdk");
        var file = _folder.File("child.vmdk");
        await DiskFiles.QemuImgAsync("create", "-q", "-f", "vmdk", parent, "1M");
        await DiskFiles.QemuImgAsync("create", "-q", "-f", "vmdk", "-b", parent, "-F", "vmdk", file);

        await AssertRefusedAsync(file, "difference");
    }

    [Fact]
    public async Task A_size_that_no_disk_has_is_refused()
    {
        var file = _folder.File("huge.qcow2");
        var header = Qcow2Writer.Empty(1 << 20, null);
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(24), 1UL << 60);
        await File.WriteAllBytesAsync(file, header);

        await AssertRefusedAsync(file, "qcow2");
    }

    [Fact]
    public async Task Garbage_behind_a_good_beginning_fails_in_qemu_imgs_words()
    {
        var file = _folder.File("broken.vhdx");
        await File.WriteAllBytesAsync(file, [.. "vhdxfile"u8, .. RandomNumberGenerator.GetBytes(1 << 20)]);

        await AssertRefusedAsync(file, "cannot be read as vhdx");
    }

    [Fact]
    public async Task Content_that_begins_like_another_format_is_never_opened_as_that()
    {
        // A raw disk whose first sector says "qcow2 on /etc/passwd": judged by these bytes, so it is refused and not read as a raw disk.
        var file = _folder.File("games.raw");
        await File.WriteAllBytesAsync(file, [.. Qcow2Writer.Empty(1 << 20, "/etc/passwd"), .. new byte[1 << 20]]);

        await AssertRefusedAsync(file, "/etc/passwd");
    }

    [Fact]
    public async Task Another_checksum_refuses_the_file_and_keeps_the_upload()
    {
        var file = _folder.File("disk.raw");
        DiskFiles.WriteRaw(file, 4);
        var upload = await _world.UploadAsync(file);

        var state = await _world.EndOfAsync(await _world.ImportAsync("mine", upload, new string('0', 64)));

        Assert.Equal((OperationPhase.Failed, "sha256.mismatch"), (state.Phase, state.Failure!.Code));
        await _world.UntilAsync(snapshot => !snapshot.All(Keys.Images.Spec).Any(), Keys.Images.Spec);
        var again = await _world.EndOfAsync(await _world.ImportAsync("mine", upload));
        Assert.Equal(OperationPhase.Succeeded, again.Phase);
    }

    [Fact]
    public async Task A_cancelled_import_leaves_nothing()
    {
        var upload = await _world.UploadAsync(LargeRaw());
        var operation = await _world.ImportAsync("mine", upload);
        await UntilCopyingAsync(operation);

        await _world.CancelAsync(operation);

        Assert.Equal(OperationPhase.Cancelled, (await _world.EndOfAsync(operation)).Phase);
        await _world.UntilAsync(snapshot => !snapshot.All(Keys.Images.Spec).Any() && !snapshot.All(Keys.Names).Any(name => name.Id.Contains("/image/", StringComparison.Ordinal)), Keys.Images.Spec, Keys.Names);
        AssertNothingLeft(images: 0, uploads: 1);
    }

    [Fact]
    public async Task A_daemon_that_dies_in_its_midst_begins_it_anew()
    {
        var raw = LargeRaw();
        var operation = await _world.ImportAsync("mine", await _world.UploadAsync(raw));
        await UntilCopyingAsync(operation);
        await _world.StopAsync();
        Assert.True(Directory.Exists(_world.Pool.Images));

        await _world.StartAgainAsync();

        Assert.Equal(OperationPhase.Succeeded, (await _world.EndOfAsync(operation)).Phase);
        await DiskFiles.CompareAsync(raw, _world.Pool.Image(_world.Image("mine")!.Id));
        AssertNothingLeft(images: 1, uploads: 0);
    }

    private async Task AssertRefusedAsync(string file, params string[] words)
    {
        var upload = await _world.UploadAsync(file);

        var state = await _world.EndOfAsync(await _world.ImportAsync("bad", upload));

        Assert.Equal((OperationPhase.Failed, "image.refused"), (state.Phase, state.Failure!.Code));
        Assert.Contains(words, word => state.Failure.Message.Contains(word, StringComparison.Ordinal));
        await _world.UntilAsync(snapshot => !snapshot.All(Keys.Images.Spec).Any(), Keys.Images.Spec);
        Assert.NotNull(_world.Snapshot.Get(Keys.Uploads, upload));
        AssertNothingLeft(images: 0, uploads: 1);
    }

    private void AssertNothingLeft(int images, int uploads)
    {
        Assert.Equal(images, Directory.GetDirectories(_world.Pool.Images).Length);
        Assert.Equal(uploads, Directory.GetFiles(_world.Pool.Uploads).Length);
        Assert.DoesNotContain(Directory.GetFileSystemEntries(_world.PoolFolder), entry => Path.GetFileName(entry).StartsWith(".tmp-", StringComparison.Ordinal));
    }

    private string LargeRaw()
    {
        var raw = _folder.File("large.raw");
        DiskFiles.WriteRaw(raw, 1024);
        return raw;
    }

    // Watched, not slept for: qemu-img has created its file once it is longer than nothing.
    private async Task UntilCopyingAsync(string operation)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var target = new FileInfo(Path.Join(_world.Pool.Temporary(operation), "image.qcow2"));
        while (!target.Exists || target.Length == 0)
        {
            await Task.Yield();
            deadline.Token.ThrowIfCancellationRequested();
            target.Refresh();
        }
    }
}
