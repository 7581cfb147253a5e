using Lamina.Api;
using Lamina.Server.Pools;

namespace Lamina.Tests.Unit.Pools;

public class PoolPathsTests
{
    private const string Id = "0198c0de-0000-7000-8000-000000000001";
    private static readonly PoolPaths Pool = new("/pool");

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("../../etc/passwd")]
    [InlineData("a/b")]
    [InlineData("a.b")]
    [InlineData("a\0b")]
    public void What_is_no_id_names_no_file(string id)
    {
        Assert.Throws<ArgumentException>(() => Pool.DiskFolder(id));
        Assert.Throws<ArgumentException>(() => Pool.Image(id));
        Assert.Throws<ArgumentException>(() => Pool.Upload(id));
        Assert.Throws<ArgumentException>(() => Pool.Temporary(id));
        Assert.Throws<ArgumentException>(() => PoolPaths.ImageFromDisk(id));
    }

    [Fact]
    public void Everything_lies_where_the_documents_say()
    {
        Assert.Equal($"/pool/disks/{Id}/disk.qcow2", Pool.Disk(Id, DiskFormat.Qcow2));
        Assert.Equal($"/pool/disks/{Id}/disk.raw", Pool.Disk(Id, DiskFormat.Raw));
        Assert.Equal($"/pool/images/{Id}/image.qcow2", Pool.Image(Id));
        Assert.Equal($"/pool/isos/{Id}/medium", Pool.Iso(Id));
        Assert.Equal($"/pool/uploads/{Id}", Pool.Upload(Id));
        Assert.Equal($"/pool/vms/{Id}/nvram/OVMF_VARS.fd", Pool.Nvram(Id));
        Assert.Equal($"/pool/vms/{Id}/seed.iso", Pool.Seed(Id));
        Assert.Equal($"/pool/.tmp-{Id}", Pool.Temporary(Id));
    }

    [Fact]
    public void A_clone_names_its_image_so_that_the_name_leads_there_from_its_own_folder()
    {
        var named = Path.GetFullPath(Path.Join(Pool.DiskFolder(Id), PoolPaths.ImageFromDisk(Id)));
        Assert.Equal(Pool.Image(Id), named);
    }
}
