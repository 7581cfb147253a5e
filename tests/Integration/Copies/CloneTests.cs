using Lamina.Api;
using Lamina.Testing.Storage;

namespace Lamina.Tests.Integration.Copies;

/// <summary>Clones through a whole daemon: what a guest would see on their disks, what they share and what not.</summary>
public sealed class CloneTests(CopyDaemon world) : IClassFixture<CopyDaemon>
{
    [Fact]
    public async Task A_full_clone_of_a_stopped_VM_has_its_content_and_an_identity_of_its_own()
    {
        var source = await world.MakeVmAsync("whole", VmFirmware.Uefi);
        string nvram = world.Pool.Nvram(source.Id);
        Directory.CreateDirectory(Path.GetDirectoryName(nvram)!);
        await File.WriteAllTextAsync(nvram, "boot entries", world.Deadline);

        await world.SucceedsAsync(world.Client.Vms.CloneAsync("whole", new VmClone { Name = "whole2", Notes = "a copy" }, world.Deadline));

        var clone = await CompletedAsync("whole2");
        Assert.Equal(VmState.Stopped, clone.Status!.State);
        Assert.NotEqual(source.Id, clone.Id);
        Assert.Empty(source.Spec.Nics.Select(nic => nic.Mac).Intersect(clone.Spec.Nics.Select(nic => nic.Mac)));
        Assert.Empty(source.Spec.Nics.Select(nic => nic.Address).Intersect(clone.Spec.Nics.Select(nic => nic.Address)));
        Assert.Empty(source.Spec.Disks.Select(disk => disk.Disk).Intersect(clone.Spec.Disks.Select(disk => disk.Disk)));
        Assert.Equal("a copy", clone.Spec.Notes);
        Assert.Equal("boot entries", await File.ReadAllTextAsync(world.Pool.Nvram(clone.Id), world.Deadline));
        foreach (int slot in (int[])[0, 1]) await DiskFiles.QemuImgAsync("compare", "-f", "qcow2", "-F", "qcow2", world.PathOf(source, slot), world.PathOf(clone, slot));

        await CopyDaemon.WriteAsync(world.PathOf(clone, 0), "0x33", "4M", "64k");
        await Assert.ThrowsAnyAsync<Exception>(() => DiskFiles.QemuImgAsync("compare", "-f", "qcow2", "-F", "qcow2", world.PathOf(source, 0), world.PathOf(clone, 0)));
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("whole", force: false, world.Deadline));
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("whole2", force: false, world.Deadline));
        CopyDaemon.AssertTidy(world.Pool);
    }

    [Fact]
    public async Task Templates_do_not_start_and_linked_clones_stand_on_them()
    {
        var source = await world.MakeVmAsync("golden");
        Assert.Equal("clone.notFrozen", (await CopyDaemon.RefusedAsync(world.Client.Vms.CloneAsync("golden", new VmClone { Name = "early", Linked = true }, world.Deadline))).Problems![0].Code);
        Assert.True((await world.Client.Vms.SetTemplateAsync("golden", new VmTemplateRequest(), world.Deadline)).Spec.Template);
        Assert.Equal("vm.template", (await CopyDaemon.RefusedAsync(world.Client.Vms.StartAsync("golden", world.Deadline))).Code);
        string before = await world.ContentAsync(world.PathOf(source, 0), "golden.raw");

        await world.SucceedsAsync(world.Client.Vms.CloneAsync("golden", new VmClone { Name = "thin", Linked = true, Start = true }, world.Deadline));
        var thin = await CompletedAsync("thin", VmState.Running);
        var definition = Assert.Single(world.Engine.Started, started => started.Name == "thin");
        Assert.Equal([world.PathOf(source, 0), world.Pool.Image((await world.DiskAsync(source.Spec.Disks[0].Disk)).Spec.Image!)], definition.Disks[0].Backing.Select(file => file.Path));
        await DiskFiles.CompareAsync(before, world.PathOf(thin, 0));
        Assert.True(new FileInfo(world.PathOf(thin, 0)).Length < 1 << 20);
        await CopyDaemon.WriteAsync(world.PathOf(thin, 0), "0x44", "0", "1M");
        await DiskFiles.CompareAsync(before, world.PathOf(source, 0));

        Assert.Equal("disk.hasClones", (await CopyDaemon.RefusedAsync(world.Client.Vms.DeleteAsync("golden", force: false, world.Deadline))).Code);
        Assert.Equal("disk.hasClones", (await CopyDaemon.RefusedAsync(world.Client.Vms.SetTemplateAsync("golden", new VmTemplateRequest { Undo = true }, world.Deadline))).Code);
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("thin", force: true, world.Deadline));
        Assert.False((await world.Client.Vms.SetTemplateAsync("golden", new VmTemplateRequest { Undo = true }, world.Deadline)).Spec.Template);
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("golden", force: false, world.Deadline));
    }

    [Fact]
    public async Task A_full_clone_of_a_linked_one_or_into_another_pool_stands_alone()
    {
        await world.MakeVmAsync("deep");
        await world.Client.Vms.SetTemplateAsync("deep", new VmTemplateRequest(), world.Deadline);
        await world.SucceedsAsync(world.Client.Vms.CloneAsync("deep", new VmClone { Name = "mid", Linked = true }, world.Deadline));
        var mid = await CompletedAsync("mid");
        await CopyDaemon.WriteAsync(world.PathOf(mid, 0), "0x55", "3M", "64k");
        string content = await world.ContentAsync(world.PathOf(mid, 0), "mid.raw");
        string other = world.File("pool-of-clones");
        await world.SucceedsAsync(world.Client.Pools.CreateAsync(new PoolCreate { Name = "clones", Path = other }, world.Deadline));

        await world.SucceedsAsync(world.Client.Vms.CloneAsync("mid", new VmClone { Name = "alone" }, world.Deadline));
        await world.SucceedsAsync(world.Client.Vms.CloneAsync("deep", new VmClone { Name = "away", Pool = "clones" }, world.Deadline));

        var alone = await CompletedAsync("alone");
        var away = await CompletedAsync("away");
        var disk = await world.DiskAsync(alone.Spec.Disks[0].Disk);
        Assert.Null(disk.Spec.Base);
        Assert.Null(disk.Spec.Image);
        await DiskFiles.CompareAsync(content, world.PathOf(alone, 0));
        var elsewhere = new Lamina.Server.Pools.PoolPaths(other);
        await DiskFiles.CompareAsync(await world.ContentAsync(world.PathOf(await world.VmAsync("deep"), 0), "deep.raw"), elsewhere.Disk(away.Spec.Disks[0].Disk, DiskFormat.Qcow2));
        Assert.Equal("pool.notEmpty", (await CopyDaemon.RefusedAsync(world.Client.Pools.DeleteAsync("clones", world.Deadline))).Code);
        foreach (string name in (string[])["alone", "away", "mid", "deep"]) await world.SucceedsAsync(world.Client.Vms.DeleteAsync(name, force: false, world.Deadline));
        CopyDaemon.AssertTidy(elsewhere);
        await world.SucceedsAsync(world.Client.Pools.DeleteAsync("clones", world.Deadline));
        Assert.Empty(Directory.GetFileSystemEntries(other));
    }

    [Fact]
    public async Task A_clone_that_fails_leaves_neither_files_nor_names()
    {
        var source = await world.MakeVmAsync("broken");
        File.Delete(world.PathOf(source, 1));
        int disks = Directory.GetDirectories(world.Pool.Disks).Length;

        Assert.Equal("disk.missing", (await world.FailsAsync(world.Client.Vms.CloneAsync("broken", new VmClone { Name = "never" }, world.Deadline))).Code);

        Assert.Equal(disks, Directory.GetDirectories(world.Pool.Disks).Length);
        CopyDaemon.AssertTidy(world.Pool);
        Assert.Null((await world.VmAsync("broken")).Status!.Job);
        await world.SucceedsAsync(world.Client.Vms.CreateAsync(new VmCreate { Name = "never" }, world.Deadline));
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("never", force: false, world.Deadline));
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("broken", force: false, world.Deadline));
    }

    [Fact]
    public async Task Every_problem_of_a_clone_is_named_at_once()
    {
        await world.MakeVmAsync("asked");
        var problem = await CopyDaemon.RefusedAsync(world.Client.Vms.CloneAsync("asked", new VmClone { Name = "asked", Cpus = 0, MemoryMiB = 1, Pool = "nowhere", Linked = true }, world.Deadline));
        Assert.Equal(["$.name", "$.cpus", "$.memoryMiB", "$.linked", "$.pool"], problem.Problems!.Select(found => found.Path));
        Assert.Equal("vm.notFound", (await CopyDaemon.RefusedAsync(world.Client.Vms.CloneAsync("nobody", new VmClone { Name = "x" }, world.Deadline))).Code);
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("asked", force: false, world.Deadline));
    }

    [Fact]
    public async Task The_disks_of_a_deleted_VM_can_stay()
    {
        var vm = await world.MakeVmAsync("keeper");
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("keeper", force: false, keepDisks: true, world.Deadline));
        foreach (var attached in vm.Spec.Disks)
        {
            var disk = await world.DiskAsync(attached.Disk);
            Assert.Null(disk.Spec.Vm);
            Assert.True(File.Exists(world.Pool.Disk(disk.Id, DiskFormat.Qcow2)));
            await world.SucceedsAsync(world.Client.Disks.DeleteAsync(disk.Name, world.Deadline));
            Assert.False(Directory.Exists(world.Pool.DiskFolder(disk.Id)));
        }
    }

    /// <summary>The clone's own operation completes or starts it.</summary>
    private async Task<Vm> CompletedAsync(string name, VmState state = VmState.Stopped)
    {
        var vm = await world.VmAsync(name);
        await world.Client.Operations.WaitAsync(vm.Spec.Power.Request!, null, world.Deadline);
        vm = await world.VmAsync(name);
        Assert.Equal(state, vm.Status!.State);
        return vm;
    }
}
