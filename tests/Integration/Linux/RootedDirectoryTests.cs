using Lamina.Linux;
using Lamina.Linux.Files;
using Lamina.Testing;
using Lamina.Testing.Storage;
using Xunit;

namespace Lamina.Tests.Integration.Linux;

public sealed class RootedDirectoryTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly RootedDirectory root;

    public RootedDirectoryTests()
    {
        Directory.CreateDirectory(folder.File("root"));
        File.WriteAllText(folder.File("outside"), "secret");
        root = RootedDirectory.Open(folder.File("root"));
    }

    public void Dispose()
    {
        root.Dispose();
        folder.Dispose();
    }

    [Theory]
    [InlineData("../outside")]
    [InlineData("a/../../outside")]
    [InlineData("/etc/passwd")]
    [InlineData("link")]
    [InlineData("folder-link/outside")]
    [InlineData("link-inside")]
    public void Nothing_outside_and_no_link_is_opened(string path)
    {
        root.CreateDirectory("a");
        File.WriteAllText(folder.File("root/inside"), "fine");
        File.CreateSymbolicLink(folder.File("root/link"), "../outside");
        File.CreateSymbolicLink(folder.File("root/link-inside"), "inside");
        Directory.CreateSymbolicLink(folder.File("root/folder-link"), folder.Path);
        var error = Assert.Throws<LinuxException>(() => root.OpenFile(path, OpenFlags.ReadOnly));
        Assert.Contains(error.ErrorNumber, new[] { Errno.CrossDevice, Errno.SymbolicLinkMet });
    }

    [Fact]
    public async Task What_is_mounted_below_is_neither_opened_nor_deleted()
    {
        await using var mounted = await SmallFileSystem.MountAsync(1, folder.File("root/inner/mounted"));
        File.WriteAllText(folder.File("root/inner/mounted/precious"), "x");

        Assert.Equal(Errno.CrossDevice, Assert.Throws<LinuxException>(() => root.OpenFile("inner/mounted/precious", OpenFlags.ReadOnly)).ErrorNumber);
        Assert.Equal(Errno.CrossDevice, Assert.Throws<LinuxException>(() => root.DeleteDirectory("inner")).ErrorNumber);
        Assert.True(File.Exists(folder.File("root/inner/mounted/precious")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/..")]
    public void A_name_that_is_no_name_is_refused(string path) => Assert.ThrowsAny<Exception>(() => root.CreateDirectory(path));

    [Fact]
    public void A_file_is_made_renamed_and_deleted()
    {
        root.CreateDirectory("disks");
        root.CreateDirectory("disks"); // again is fine
        using (var file = root.OpenFile("disks/.tmp-1", OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive)) RandomAccess.SetLength(file, 1 << 20);
        Assert.Equal(Errno.Exists, Assert.Throws<LinuxException>(
            () => root.OpenFile("disks/.tmp-1", OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive)).ErrorNumber);
        root.Rename("disks/.tmp-1", "disks/a");
        Assert.Equal(["a"], root.List("disks"));
        var facts = root.Find("disks/a");
        Assert.Equal((FileKind.File, 1 << 20, 0L, UnixFileMode.UserRead | UnixFileMode.UserWrite), (facts!.Kind, facts.SizeBytes, facts.AllocatedBytes, facts.Mode));
        Assert.True(root.DeleteFile("disks/a"));
        Assert.False(root.DeleteFile("disks/a"));
        Assert.False(root.DeleteFile("nowhere/a"));
        Assert.Null(root.Find("disks/a"));
    }

    [Fact]
    public void A_folder_is_deleted_whole_but_what_its_links_point_to_stays()
    {
        root.CreateDirectory("x");
        root.CreateDirectory("x/y");
        File.WriteAllText(folder.File("root/x/y/file"), "");
        Directory.CreateSymbolicLink(folder.File("root/x/link"), folder.Path);
        Assert.True(root.DeleteDirectory("x"));
        Assert.False(root.DeleteDirectory("x"));
        Assert.True(File.Exists(folder.File("outside")));
        Assert.Empty(root.List());
    }

    [Fact]
    public void A_folder_put_in_place_of_a_link_later_is_not_followed_either()
    {
        root.CreateDirectory("x");
        Directory.Delete(folder.File("root/x"));
        Directory.CreateSymbolicLink(folder.File("root/x"), folder.Path);
        Assert.Throws<LinuxException>(() => root.List("x"));
        Assert.Throws<LinuxException>(() => root.CreateDirectory("x/y"));
        Assert.Throws<LinuxException>(() => root.DeleteFile("x/outside"));
        Assert.True(File.Exists(folder.File("outside")));
    }
}
