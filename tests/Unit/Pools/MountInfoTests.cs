using Lamina.Server.Pools;

namespace Lamina.Tests.Unit.Pools;

public class MountInfoTests
{
    private const string Text = """
        22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro
        30 22 0:40 / /srv rw shared:2 - xfs /dev/sdb1 rw
        31 30 0:41 / /srv/nfs\040old rw - nfs server:/a rw,vers=3,hard
        32 30 0:42 / /srv/nfs rw - nfs4 server:/b rw,vers=4.2,hard
        33 30 0:43 / /srv/soft rw - nfs4 server:/c rw,vers=4.1,soft
        34 30 0:44 / /srv/covered rw - ext4 /dev/sdc rw
        35 30 0:45 / /srv/covered rw - btrfs /dev/sdd rw
        garbage
        """;

    [Theory]
    [InlineData("/home/x", "ext4")]
    [InlineData("/srv", "xfs")]
    [InlineData("/srv/nfsx", "xfs")]
    [InlineData("/srv/nfs/a/b", "nfs4 (4.2)")]
    [InlineData("/srv/nfs old/a", "nfs (3)")]
    [InlineData("/srv/covered/x", "btrfs")]
    public void The_file_system_under_a_folder_is_found(string path, string words) => Assert.Equal(words, MountInfo.Of(Text, path)!.Words);

    [Theory]
    [InlineData("/srv/nfs old", false)]
    [InlineData("/srv/soft", false)]
    [InlineData("/srv/nfs", true)]
    [InlineData("/srv", true)]
    public void Only_NFS_that_keeps_two_hosts_apart_and_waits_is_taken(string path, bool taken) => Assert.Equal(taken, MountInfo.Of(Text, path)!.Refusal() is null);

    [Fact]
    public void Nothing_is_found_in_nothing() => Assert.Null(MountInfo.Of("", "/srv"));
}
