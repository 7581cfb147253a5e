using Lamina.Api;
using Lamina.Testing.Storage;

namespace Lamina.Tests.Integration.Copies;

/// <summary>What leaves a VM: files of every format, fetched in pieces, and images.</summary>
public sealed class ExportTests(CopyDaemon world) : IClassFixture<CopyDaemon>
{
    [Theory]
    [InlineData(ExportFormat.Qcow2, "qcow2", false)]
    [InlineData(ExportFormat.Qcow2, "qcow2", true)]
    [InlineData(ExportFormat.Raw, "raw", false)]
    [InlineData(ExportFormat.Vmdk, "vmdk", false)]
    [InlineData(ExportFormat.Vhdx, "vhdx", false)]
    [InlineData(ExportFormat.Vdi, "vdi", false)]
    public async Task A_disk_leaves_with_its_content_in_every_format(ExportFormat format, string driver, bool compress)
    {
        string name = $"out-{driver}-{(compress ? "c" : "p")}";
        var vm = await world.MakeVmAsync(name);
        var ended = await world.SucceedsAsync(world.Client.Vms.ExportAsync(name, new VmExport { Format = format, Compress = compress }, world.Deadline));

        string file = world.File($"{name}.{driver}");
        await using (var target = File.Create(file)) await world.Client.Exports.FetchAsync(ended.Id, target, null, world.Deadline);

        Assert.Equal((long)ended.State!.Result!["sizeBytes"]!, new FileInfo(file).Length);
        await DiskFiles.QemuImgAsync("compare", "-f", driver, "-F", "qcow2", file, world.PathOf(vm, 0));
        await world.Client.Exports.DeleteAsync(ended.Id, world.Deadline);
        Assert.Equal("export.notFound", (await CopyDaemon.RefusedAsync(world.Client.Exports.FetchAsync(ended.Id, new MemoryStream(), null, world.Deadline).ContinueWith(done => { done.GetAwaiter().GetResult(); return 0; }, TaskScheduler.Default))).Code);
        CopyDaemon.AssertTidy(world.Pool);
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync(name, force: false, world.Deadline));
    }

    [Fact]
    public async Task A_fetch_goes_on_where_it_stopped()
    {
        await world.MakeVmAsync("pieces");
        var ended = await world.SucceedsAsync(world.Client.Vms.ExportAsync("pieces", new VmExport { Format = ExportFormat.Raw, Disk = 1 }, world.Deadline));
        using var target = new MemoryStream();
        await world.Client.Exports.FetchAsync(ended.Id, target, null, world.Deadline);
        byte[] whole = target.ToArray();
        target.SetLength(3_000_001);

        await world.Client.Exports.FetchAsync(ended.Id, target, null, world.Deadline);

        Assert.Equal(8 << 20, whole.Length);
        Assert.Equal(whole, target.ToArray());
        Assert.Equal(0x22, whole[(2 << 20) + 5]);
        await world.Client.Exports.DeleteAsync(ended.Id, world.Deadline);
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("pieces", force: false, world.Deadline));
    }

    [Fact]
    public async Task An_image_made_from_a_VM_holds_its_content_and_makes_VMs()
    {
        var vm = await world.MakeVmAsync("original");
        await world.SucceedsAsync(world.Client.Vms.CaptureAsync("original", new VmCapture { Name = "captured" }, world.Deadline));
        var image = (await world.Client.Images.GetAsync("captured", world.Deadline)).Value;
        Assert.Equal((ImageOrigin.Vm, ContentState.Ready, 16L << 20), (image.Spec.Origin, image.Status!.State, image.Status.VirtualSizeBytes));
        await DiskFiles.QemuImgAsync("compare", "-f", "qcow2", "-F", "qcow2", world.Pool.Image(image.Id), world.PathOf(vm, 0));
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("original", force: false, world.Deadline));
        await world.SucceedsAsync(world.Client.Vms.CreateAsync(new VmCreate { Name = "offspring", Image = "captured" }, world.Deadline));
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("offspring", force: false, world.Deadline));
        await world.SucceedsAsync(world.Client.Images.DeleteAsync("captured", world.Deadline));
    }

    [Fact]
    public async Task Every_problem_of_an_export_is_named_at_once()
    {
        await world.MakeVmAsync("unfit");
        var problem = await CopyDaemon.RefusedAsync(world.Client.Vms.ExportAsync("unfit", new VmExport { Format = ExportFormat.Raw, Compress = true, Disk = 7 }, world.Deadline));
        Assert.Equal(["$.disk", "$.compress"], problem.Problems!.Select(found => found.Path));
        problem = await CopyDaemon.RefusedAsync(world.Client.Vms.CaptureAsync("unfit", new VmCapture { Name = "NO", Snapshot = "none", Pool = "nowhere" }, world.Deadline));
        Assert.Equal(["$.name", "$.snapshot", "$.pool"], problem.Problems!.Select(found => found.Path));
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("unfit", force: false, world.Deadline));
    }
}
