using Lamina.Api;
using Lamina.Server.Copies;
using Lamina.Server.Images;

namespace Lamina.Tests.Unit.Copies;

public class CopyRulesTests
{
    [Theory]
    [InlineData("#cloud-config\nhostname: web1\nusers: []\n", "#cloud-config\nhostname: \"web2\"\nusers: []\n")]
    [InlineData("#cloud-config\nhostname: \"web1\"\n", "#cloud-config\nhostname: \"web2\"\n")]
    [InlineData("#cloud-config\nhostname: other\n", "#cloud-config\nhostname: other\n")]
    [InlineData("#cloud-config\nbootcmd:\n  - hostname: web1\n", "#cloud-config\nbootcmd:\n  - hostname: web1\n")]
    [InlineData("#!/bin/sh\nhostname: web1\n", "#!/bin/sh\nhostname: web1\n")]
    [InlineData("", "")]
    public void Only_a_host_name_that_we_wrote_is_changed_for_a_clone(string before, string after) => Assert.Equal(after, CloneSecrets.WithHostname(before, "web1", "web2"));

    [Theory]
    [InlineData("", 0, 100)]
    [InlineData("bytes=0-", 0, 100)]
    [InlineData("bytes=40-", 40, 60)]
    [InlineData("bytes=99-", 99, 1)]
    [InlineData("bytes=100-", 0, 100)]
    [InlineData("bytes=40-50", 0, 100)]
    [InlineData("bytes=-5", 0, 100)]
    [InlineData("bytes=1-,5-", 0, 100)]
    [InlineData("lines=4-", 0, 100)]
    [InlineData("nonsense", 0, 100)]
    public void A_fetch_goes_on_from_where_it_says_and_else_begins_anew(string range, long offset, long count) =>
        Assert.Equal((offset, count), ExportEndpoints.RangeOf(range, 100));

    [Fact]
    public void Exports_have_the_forms_that_others_read()
    {
        Assert.Equal(new QemuImgTarget("vmdk", "subformat=streamOptimized"), HostExports.FormOf(ExportFormat.Vmdk, compress: false));
        Assert.Equal(new QemuImgTarget("qcow2", "compat=1.1", Compress: true), HostExports.FormOf(ExportFormat.Qcow2, compress: true));
        Assert.Equal(new QemuImgTarget("raw"), HostExports.FormOf(ExportFormat.Raw, compress: false));
    }

    [Fact]
    public void A_disk_that_moves_leaves_its_image_and_base_behind()
    {
        var disk = new DiskSpec { Name = "d", Pool = "one", SizeBytes = 1 << 20, Image = "i", Vm = "v", Base = new DiskBase { Disk = "x", Layer = "disk" } };
        var moved = MoveRules.Moved(disk, "two");
        Assert.Equal(("two", null, null, "v"), (moved.Pool, moved.Image, moved.Base, moved.Vm));
    }

    [Fact]
    public void A_chain_is_named_to_qemu_img_file_by_file_and_opens_no_other()
    {
        using var any = new Microsoft.Win32.SafeHandles.SafeFileHandle(-1, false);
        Assert.Equal(
            """json:{"driver":"qcow2","backing":{"driver":"raw","file":{"driver":"file","filename":"/proc/self/fd/4"}},"file":{"driver":"file","filename":"/proc/self/fd/3"}}""",
            QemuImg.SourceOf([new QemuImgFile(any, "qcow2"), new QemuImgFile(any, "raw")]));
        Assert.Equal("""json:{"driver":"qcow2","backing":null,"file":{"driver":"file","filename":"/proc/self/fd/3"}}""", QemuImg.SourceOf([new QemuImgFile(any, "qcow2")]));
    }
}
