using Lamina.Api;
using Lamina.Server.Pools;
using Lamina.Testing.Storage;

namespace Lamina.Tests.Integration.Copies;

/// <summary>Disks as nouns of their own: made, renamed, grown, moved, deleted.</summary>
public sealed class DiskApiTests(CopyDaemon world) : IClassFixture<CopyDaemon>
{
    [Fact]
    public async Task A_disk_of_its_own_is_made_renamed_listed_and_deleted()
    {
        await world.SucceedsAsync(world.Client.Disks.CreateAsync(new DiskCreate { Name = "data", SizeBytes = 4 << 20, Notes = "ledgers" }, world.Deadline));
        var disk = await world.DiskAsync("data");
        Assert.Equal((null, ContentState.Ready, 4L << 20), (disk.Spec.Vm, disk.Status!.State, disk.Status.SizeBytes));
        Assert.Equal("name.taken", (await CopyDaemon.RefusedAsync(world.Client.Disks.CreateAsync(new DiskCreate { Name = "data", SizeBytes = 4 << 20 }, world.Deadline))).Problems![0].Code);
        Assert.Equal("data2", (await world.Client.Disks.UpdateAsync("data", new DiskUpdate { Name = "data2" }, null, world.Deadline)).Name);
        await world.SucceedsAsync(world.Client.Disks.CreateAsync(new DiskCreate { Name = "data", Image = "base" }, world.Deadline));
        await DiskFiles.CompareAsync(world.ImageRaw, world.Pool.Disk((await world.DiskAsync("data")).Id, DiskFormat.Qcow2));

        string stray = Path.Join(world.Pool.Disks, Guid.NewGuid().ToString());
        Directory.CreateDirectory(stray);
        var orphan = Assert.Single(await world.Client.Disks.ListOrphansAsync(null, world.Deadline).ToListAsync(world.Deadline));
        Assert.Equal((stray, "disk", "default"), (orphan.Path, orphan.Kind, orphan.Pool));
        Directory.Delete(stray);
        foreach (string name in (string[])["data", "data2"]) await world.SucceedsAsync(world.Client.Disks.DeleteAsync(name, world.Deadline));
        Assert.Equal("disk.notFound", (await CopyDaemon.RefusedAsync(world.Client.Disks.DeleteAsync("data", world.Deadline))).Code);
        Assert.False(Directory.Exists(world.Pool.DiskFolder(disk.Id)));
    }

    [Fact]
    public async Task Every_problem_of_a_disk_is_named_at_once()
    {
        var problem = await CopyDaemon.RefusedAsync(world.Client.Disks.CreateAsync(new DiskCreate { Name = "NO", Image = "none", Pool = "nowhere", Notes = new string('x', 5000) }, world.Deadline));
        Assert.Equal(["$.name", "$.notes", "$.image", "$.pool"], problem.Problems!.Select(found => found.Path));
        var vm = await world.MakeVmAsync("owner");
        var disk = await world.DiskAsync(vm.Spec.Disks[0].Disk);
        Assert.Equal("disk.shrink", (await CopyDaemon.RefusedAsync(world.Client.Disks.UpdateAsync(disk.Name, new DiskUpdate { SizeBytes = 1 << 20 }, null, world.Deadline))).Problems![0].Code);
        Assert.Equal("disk.attached", (await CopyDaemon.RefusedAsync(world.Client.Disks.DeleteAsync(disk.Name, world.Deadline))).Code);
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("owner", force: false, world.Deadline));
    }

    [Fact]
    public async Task A_disk_grows_before_the_next_start_of_its_VM()
    {
        var vm = await world.MakeVmAsync("grower");
        string before = await world.ContentAsync(world.PathOf(vm, 0), "grower.raw");
        var disk = await world.DiskAsync(vm.Spec.Disks[0].Disk);
        await world.Client.Disks.UpdateAsync(disk.Name, new DiskUpdate { SizeBytes = 2L << 30 }, null, world.Deadline);

        await world.SucceedsAsync(world.Client.Vms.StartAsync("grower", world.Deadline));

        Assert.Equal(2L << 30, (await world.DiskAsync(disk.Id)).Status!.SizeBytes);
        var info = await DiskFiles.QemuImgAsync("info", "-U", "--output=json", world.PathOf(vm, 0));
        Assert.Contains("\"virtual-size\": 2147483648", System.Text.Encoding.UTF8.GetString(info.Output), StringComparison.Ordinal);
        await DiskFiles.CompareAsync(before, world.PathOf(vm, 0));
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("grower", force: true, world.Deadline));
    }

    [Fact]
    public async Task A_disk_moves_to_another_pool_with_its_content_while_its_VM_is_stopped()
    {
        var vm = await world.MakeVmAsync("mover", VmFirmware.Uefi);
        string content = await world.ContentAsync(world.PathOf(vm, 0), "mover.raw");
        string empty = await world.ContentAsync(world.PathOf(vm, 1), "mover1.raw");
        var other = new PoolPaths(world.File("second"));
        await world.SucceedsAsync(world.Client.Pools.CreateAsync(new PoolCreate { Name = "second", Path = other.Root }, world.Deadline));
        foreach (var attached in vm.Spec.Disks) await world.SucceedsAsync(world.Client.Disks.MoveAsync(attached.Disk, new DiskMove { Pool = "second" }, world.Deadline));

        await DiskFiles.CompareAsync(content, other.Disk(vm.Spec.Disks[0].Disk, DiskFormat.Qcow2));
        await DiskFiles.CompareAsync(empty, other.Disk(vm.Spec.Disks[1].Disk, DiskFormat.Qcow2));
        Assert.False(Directory.Exists(world.Pool.DiskFolder(vm.Spec.Disks[0].Disk)));
        Assert.Null((await world.DiskAsync(vm.Spec.Disks[0].Disk)).Spec.Image);
        Assert.Equal("disk.samePool", (await CopyDaemon.RefusedAsync(world.Client.Disks.MoveAsync(vm.Spec.Disks[0].Disk, new DiskMove { Pool = "second" }, world.Deadline))).Code);
        await world.SucceedsAsync(world.Client.Vms.StartAsync("mover", world.Deadline));
        var started = world.Engine.Started.Single(definition => definition.Name == "mover");
        Assert.Equal(other.Disk(vm.Spec.Disks[0].Disk, DiskFormat.Qcow2), started.Disks[0].Path);
        Assert.Equal(world.Pool.Nvram(vm.Id), started.Firmware.NvramPath);
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("mover", force: true, world.Deadline));
        CopyDaemon.AssertTidy(other);
        await world.SucceedsAsync(world.Client.Pools.DeleteAsync("second", world.Deadline));
    }
}
