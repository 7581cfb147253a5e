using Lamina.Api;
using Lamina.Server.Disks;
using Lamina.Server.Pools;

namespace Lamina.Tests.Unit.Disks;

public class DiskRulesTests
{
    private const long GiB = 1L << 30;

    private static readonly Image Debian = new()
    {
        Id = "i",
        Name = "debian/12",
        Project = "default",
        Spec = new ImageSpec { Name = "debian/12", Pool = "p", Origin = ImageOrigin.Build },
        Status = new ImageStatus { State = ContentState.Ready, VirtualSizeBytes = 2 * GiB },
    };

    [Theory]
    [InlineData(0L, "disk.sizeRange")]
    [InlineData(-1L, "disk.sizeRange")]
    [InlineData(1L, "disk.sizeRange")]
    [InlineData(long.MaxValue, "disk.sizeRange")]
    [InlineData(GiB + 1, "disk.sizeUnit")]
    public void Impossible_sizes_are_refused_at_their_path(long size, string code)
    {
        var problem = Assert.Single(DiskRules.Check(new VmDiskCreate { SizeBytes = size }, null, "$.disks[2]"));
        Assert.Equal((code, "$.disks[2].sizeBytes"), (problem.Code, problem.Path));
    }

    [Fact]
    public void A_disk_without_size_and_image_is_refused() =>
        Assert.Equal("disk.sizeMissing", Assert.Single(DiskRules.Check(new VmDiskCreate(), null, "$.disks[0]")).Code);

    [Fact]
    public void An_image_bigger_than_the_disk_is_refused_with_both_sizes()
    {
        var problem = Assert.Single(DiskRules.Check(new VmDiskCreate { SizeBytes = GiB }, Debian, "$.disks[0]"));

        Assert.Equal("disk.smallerThanImage", problem.Code);
        Assert.Contains("2 GiB", problem.Message, StringComparison.Ordinal);
        Assert.Contains("1 GiB", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_raw_clone_is_refused() =>
        Assert.Equal("$.disks[0].format", Assert.Single(DiskRules.Check(new VmDiskCreate { Format = DiskFormat.Raw }, Debian, "$.disks[0]")).Path);

    [Fact]
    public void Right_disks_have_no_problems_and_a_size()
    {
        var exact = new VmDiskCreate { SizeBytes = 2 * GiB };
        Assert.Empty(DiskRules.Check(exact, Debian, "$"));
        Assert.Equal(2 * GiB, DiskRules.Size(exact, Debian));
        Assert.Empty(DiskRules.Check(new VmDiskCreate(), Debian, "$"));
        Assert.Equal(2 * GiB, DiskRules.Size(new VmDiskCreate(), Debian));
        Assert.Empty(DiskRules.Check(new VmDiskCreate { SizeBytes = GiB, Format = DiskFormat.Raw }, null, "$"));
    }

    [Fact]
    public void Only_an_image_that_is_there_is_cloned()
    {
        Assert.Null(DiskRules.CheckImage(Debian, "$.image"));
        Assert.Equal("image.notReady", DiskRules.CheckImage(Debian with { Status = null }, "$.image")!.Code);
        Assert.Equal("image.deleting", DiskRules.CheckImage(Debian with { Spec = Debian.Spec with { Deleting = "o" } }, "$.image")!.Code);
        Assert.Equal("image.failed", DiskRules.CheckImage(Debian with { Status = new ImageStatus { State = ContentState.Failed } }, "$.image")!.Code);
    }

    [Fact]
    public void The_files_of_a_disk_are_its_own_and_its_images()
    {
        const string Disk = "0198c0de-0000-7000-8000-000000000001";
        const string Image = "0198c0de-0000-7000-8000-000000000002";
        var pool = new PoolPaths("/pool");

        // A record from before there were layers.
        var one = new DiskLayers(new DiskStatus { State = ContentState.Ready }).ChainOf(DiskLayer.First);

        var clone = DiskPaths.Of(pool, Disk, new DiskSpec { Name = "a", Pool = "p", SizeBytes = GiB, Image = Image }, one, null);
        var raw = DiskPaths.Of(pool, Disk, new DiskSpec { Name = "b", Pool = "p", SizeBytes = GiB, Format = DiskFormat.Raw }, one, null);

        Assert.Equal([new($"/pool/disks/{Disk}/disk.qcow2", DiskFormat.Qcow2), new DiskFilePath($"/pool/images/{Image}/image.qcow2", DiskFormat.Qcow2)], clone.Chain);
        Assert.Equal([new DiskFilePath($"/pool/disks/{Disk}/disk.raw", DiskFormat.Raw)], raw.Chain);
    }

    [Fact]
    public void A_layer_has_all_layers_below_it_and_a_linked_clone_the_layer_of_another_disk()
    {
        const string Disk = "0198c0de-0000-7000-8000-000000000001";
        const string Below = "0198c0de-0000-7000-8000-000000000002";
        var pool = new PoolPaths("/pool");
        var layers = new DiskLayers(new DiskStatus
        {
            State = ContentState.Ready,
            Layers = [new DiskLayer { Id = "a", File = DiskLayer.First }, new DiskLayer { Id = "b", Parent = "a" }, new DiskLayer { Id = "c", Parent = "a" }],
            Active = "b",
        });
        var raw = new DiskSpec { Name = "b", Pool = "p", SizeBytes = GiB, Format = DiskFormat.Raw };

        var snapshotted = DiskPaths.Of(pool, Disk, raw, layers.ChainOf(layers.Active), null);
        var clone = DiskPaths.Of(pool, Below, raw with { Format = DiskFormat.Qcow2 }, new DiskLayers(null).ChainOf(DiskLayer.First), snapshotted);

        DiskFilePath[] expected = [new($"/pool/disks/{Disk}/b.qcow2", DiskFormat.Qcow2), new($"/pool/disks/{Disk}/disk.raw", DiskFormat.Raw)];
        Assert.Equal(expected, snapshotted.Chain);
        Assert.Equal([new DiskFilePath($"/pool/disks/{Below}/disk.qcow2", DiskFormat.Qcow2), .. expected], clone.Chain);
        Assert.Equal(["b", "c"], layers.ChildrenOf("a").Select(layer => layer.Id));
        Assert.Equal("disk.layerMissing", Assert.Throws<Lamina.Server.ProblemException>(() => layers.ChainOf("gone")).Code);
    }

    [Fact]
    public void Folders_without_records_are_orphans()
    {
        var names = new Dictionary<string, IReadOnlyList<string>> { ["disks"] = ["a", "b"], ["images"] = ["a"], ["isos"] = [], ["vms"] = ["c"] };

        var orphans = PoolOrphans.Find(names, (folder, id) => (folder, id) is ("disks", "a") or ("images", "a"));

        Assert.Equal(["disks/b", "vms/c"], orphans);
    }
}
