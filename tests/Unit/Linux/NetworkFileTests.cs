using Lamina.Linux.Files;
using Lamina.Testing;

namespace Lamina.Tests.Unit.Linux;

/// <summary>On NFS itself it is tried by `./dev nested --cluster`: a guest writes there.</summary>
public sealed class NetworkFileTests
{
    [Fact]
    public void AFileOfThisHostKeepsItsMode()
    {
        using var folder = new TemporaryFolder();
        using var root = RootedDirectory.Open(folder.Path);
        using var file = root.OpenFile("disk", OpenFlags.ReadWrite | OpenFlags.Create);
        NetworkFile.Share(file);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, root.Find("disk")!.Mode);
    }

    [Fact]
    public void AFileIsItselfByWhicheverNameItIsFoundAndACopyIsNot()
    {
        using var folder = new TemporaryFolder();
        using var root = RootedDirectory.Open(folder.Path);
        using var file = root.OpenFile("one", OpenFlags.ReadWrite | OpenFlags.Create);
        File.Copy(Path.Combine(folder.Path, "one"), Path.Combine(folder.Path, "copy"));
        var identity = FileFacts.Read(file).Identity;
        Assert.NotEqual(identity, root.Find("copy")!.Identity);
        root.Rename("one", "other");
        Assert.Equal(identity, root.Find("other")!.Identity);
    }
}
