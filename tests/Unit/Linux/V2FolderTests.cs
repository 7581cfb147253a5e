using Lamina.Linux.Cgroups;
using Lamina.Testing;
using Xunit;

namespace Lamina.Tests.Unit.Linux;

public sealed class V2FolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Else a VM whose scope systemd has just removed would never be told dead.</summary>
    [Fact]
    public void A_cgroup_that_is_gone_has_nobody_to_kill() => V2Folder.Kill(folder.File("gone.scope"));

    [Fact]
    public void A_kernel_that_cannot_kill_a_cgroup_says_so()
    {
        Directory.CreateDirectory(folder.File("old.scope"));
        Assert.Throws<IOException>(() => V2Folder.Kill(folder.File("old.scope")));
    }
}
