using System.Text;
using Lamina.Linux.Files;
using Lamina.Linux.Processes;
using Lamina.Server.Images;
using Lamina.Testing;
using Lamina.Testing.Storage;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Lamina.Tests.Integration.Images;

/// <summary>The second wall alone: what qemu-img can do to us with a file that the first wall would have refused.</summary>
public sealed class QemuImgWallTests : IDisposable
{
    private const uint Nobody = 299_997;

    private readonly TemporaryFolder _folder = new();
    private readonly QemuImg _tool = new(Nobody, StorageWorld.NewId(), TimeProvider.System);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_backing_file_is_reported_and_not_read()
    {
        var secret = _folder.File("secret");
        await File.WriteAllBytesAsync(secret, [.. Enumerable.Repeat((byte)'S', 1 << 20)], Cancellation);
        File.SetUnixFileMode(secret, (UnixFileMode)0b110_100_100); // readable by all: only "backing": null keeps it out
        var overlay = _folder.File("overlay.qcow2");
        await DiskFiles.QemuImgAsync("create", "-q", "-f", "qcow2", "-b", secret, "-F", "raw", overlay);
        using var source = File.OpenHandle(overlay);

        Assert.Equal(secret, (await _tool.InspectAsync(source, "qcow2", Cancellation)).OtherFile);
        using var target = Target("out.qcow2");
        await _tool.ConvertAsync(source, "qcow2", target, 64 << 20, TimeSpan.FromMinutes(1), _ => { }, Cancellation);
        Assert.DoesNotContain("SSSS", Encoding.Latin1.GetString(await File.ReadAllBytesAsync(_folder.File("out.qcow2"), Cancellation)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_data_file_is_reported_and_one_that_only_root_may_read_stays_closed()
    {
        var data = _folder.File("data.raw");
        var outside = _folder.File("outside.qcow2");
        await DiskFiles.QemuImgAsync("create", "-q", "-f", "qcow2", "-o", $"data_file={data},data_file_raw=on", outside, "1M");
        File.SetUnixFileMode(data, UnixFileMode.UserRead);
        using var source = File.OpenHandle(outside);

        Assert.Equal(data, (await _tool.InspectAsync(source, "qcow2", Cancellation)).OtherFile);
        using var target = Target("out.qcow2");
        await Assert.ThrowsAsync<CommandException>(() => _tool.ConvertAsync(source, "qcow2", target, 64 << 20, TimeSpan.FromMinutes(1), _ => { }, Cancellation));
    }

    [Fact]
    public async Task The_copy_cannot_outgrow_its_limit()
    {
        var raw = _folder.File("disk.raw");
        DiskFiles.WriteRaw(raw, 16);
        using var source = File.OpenHandle(raw);
        using var target = Target("out.qcow2");

        await Assert.ThrowsAsync<CommandException>(
            () => _tool.ConvertAsync(source, "raw", target, 1 << 20, TimeSpan.FromMinutes(1), _ => { }, Cancellation));

        Assert.InRange(RandomAccess.GetLength(target), 0, 1 << 20);
    }

    [Fact]
    public async Task Progress_comes_while_it_copies()
    {
        var raw = _folder.File("disk.raw");
        DiskFiles.WriteRaw(raw, 64);
        using var source = File.OpenHandle(raw);
        using var target = Target("out.qcow2");
        var seen = new List<int>();

        await _tool.ConvertAsync(source, "raw", target, 128 << 20, TimeSpan.FromMinutes(1), seen.Add, Cancellation);

        Assert.Equal(100, seen[^1]);
        Assert.Equal(seen.Order(), seen);
        Assert.True(seen.Distinct().Count() > 2, "it told the beginning and the end only");
    }

    private SafeFileHandle Target(string name)
    {
        var file = File.OpenHandle(_folder.File(name), FileMode.CreateNew, FileAccess.ReadWrite);
        Ownership.Change(_folder.File(name), Nobody, Nobody);
        return file;
    }
}
