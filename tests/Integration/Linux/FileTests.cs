using System.Net.Sockets;
using System.Text;
using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Testing;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Lamina.Tests.Integration.Linux;

public sealed class FileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_sealed_memory_file_cannot_be_changed()
    {
        using var file = Memfd.CreateSealed("kernel", "vmlinuz"u8);
        Assert.Throws<UnauthorizedAccessException>(() => RandomAccess.Write(file, "x"u8, 0));
        Assert.ThrowsAny<Exception>(() => RandomAccess.SetLength(file, 1));
        Assert.Equal("vmlinuz", File.ReadAllText($"/proc/self/fd/{file.DangerousGetHandle()}"));
        Assert.Equal("-rw-r--r--", ModeOf(file));
    }

    [Fact]
    public void A_file_is_copied_into_memory_whole()
    {
        var content = new byte[(1 << 20) + 12345];
        Random.Shared.NextBytes(content);
        File.WriteAllBytes(folder.File("initrd"), content);
        using var source = File.OpenHandle(folder.File("initrd"));
        using var copy = Memfd.CreateSealed("initrd", source);
        Assert.Equal(content, File.ReadAllBytes($"/proc/self/fd/{copy.DangerousGetHandle()}"));
    }

    [Fact]
    public async Task Files_travel_over_a_socket()
    {
        var (ours, theirs) = FdPassing.CreatePair();
        using var sender = new Socket(ours);
        using var receiver = new Socket(theirs);
        using var one = Memfd.CreateSealed("one", "1"u8);
        using var two = Memfd.CreateSealed("two", "2"u8);
        var receiving = FdPassing.ReceiveAsync(receiver, new byte[100], Cancellation); // waits first
        await FdPassing.SendAsync(sender, "hello"u8.ToArray(), [one, two], Cancellation);
        var (count, files) = await receiving;
        Assert.Equal(5, count);
        Assert.Equal(["1", "2"], files.Select(ReadAll));
        foreach (var file in files) file.Dispose();
        sender.Close();
        Assert.Equal(0, (await FdPassing.ReceiveAsync(receiver, new byte[100], Cancellation)).Count);
    }

    [Fact]
    public async Task More_bytes_than_the_socket_holds_arrive_and_the_files_once()
    {
        var (ours, theirs) = FdPassing.CreatePair();
        using var sender = new Socket(ours);
        using var receiver = new Socket(theirs);
        using var file = Memfd.CreateSealed("one", "1"u8);
        var sending = FdPassing.SendAsync(sender, new byte[3_000_000], [file], Cancellation);
        var (total, received) = (0, 0);
        while (total < 3_000_000)
        {
            var (count, files) = await FdPassing.ReceiveAsync(receiver, new byte[100_000], Cancellation);
            total += count;
            received += files.Count;
            foreach (var each in files) each.Dispose();
        }

        await sending;
        Assert.Equal(1, received);
    }

    [Fact]
    public async Task A_gone_peer_is_an_error_not_a_signal()
    {
        var (ours, theirs) = FdPassing.CreatePair();
        using var sender = new Socket(ours);
        theirs.Dispose();
        await Assert.ThrowsAsync<LinuxException>(() => FdPassing.SendAsync(sender, new byte[1], [], Cancellation));
    }

    [Fact]
    public void A_lock_is_held_by_one()
    {
        using (var first = FileLock.TryAcquire(folder.File("lock")))
        {
            Assert.NotNull(first);
            Assert.Null(FileLock.TryAcquire(folder.File("lock")));
        }

        using var second = FileLock.TryAcquire(folder.File("lock"));
        Assert.NotNull(second);
    }

    [Fact]
    public void A_durable_file_is_replaced_whole_and_has_its_mode()
    {
        DurableFile.Write(folder.File("a"), "long content"u8, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        DurableFile.Write(folder.File("a"), "new"u8, UnixFileMode.UserRead, "op1");
        Assert.Equal("new", File.ReadAllText(folder.File("a")));
        Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(folder.File("a")));
        Assert.Equal(["a"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public void A_leftover_of_a_died_write_does_not_hinder_the_next()
    {
        File.WriteAllText(folder.File(".tmp-op1-a"), "half");
        DurableFile.Write(folder.File("a"), "whole"u8, UnixFileMode.UserRead, "op1");
        Assert.Equal("whole", File.ReadAllText(folder.File("a")));
    }

    [Fact]
    public void Free_space_and_owners_are_read()
    {
        var space = FileSystemSpace.Read(folder.Path);
        Assert.InRange(space.AvailableBytes, 1, space.TotalBytes);
        File.WriteAllBytes(folder.File("a"), new byte[8192]);
        Ownership.Change(folder.File("a"), 65534, 65533);
        using var file = File.OpenHandle(folder.File("a"));
        var facts = FileFacts.Read(file);
        Assert.Equal((65534u, 65533u, 8192L), (facts.UserId, facts.GroupId, facts.SizeBytes));
    }

    private static string ReadAll(SafeFileHandle file)
    {
        var buffer = new byte[100];
        return Encoding.UTF8.GetString(buffer, 0, RandomAccess.Read(file, buffer, 0));
    }

    private static string ModeOf(SafeFileHandle file) => FileFacts.Read(file).Mode switch
    {
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead => "-rw-r--r--",
        var other => other.ToString(),
    };
}
