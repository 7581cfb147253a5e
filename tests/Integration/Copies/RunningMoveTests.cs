using Lamina.Api;
using Lamina.Server.Pools;
using Lamina.Testing;
using Lamina.Testing.Storage;
using Lamina.Tests.Integration.Vms;

namespace Lamina.Tests.Integration.Copies;

/// <summary>The disks of a real guest move to another pool while it writes to them.</summary>
public sealed class RunningMoveTests(GuestDaemon world) : IClassFixture<GuestDaemon>
{
    [Fact]
    public async Task The_disks_of_a_running_guest_move_and_nothing_that_it_wrote_is_lost()
    {
        using var folder = new TemporaryFolder();
        var second = new PoolPaths(folder.File("second"));
        var first = new PoolPaths(world.Daemon.Instance.DefaultPoolDirectory);
        await world.SucceedsAsync(world.Client.Pools.CreateAsync(new PoolCreate { Name = "second", Path = second.Root }, world.Deadline));
        var create = GuestDaemon.SmallLinuxVm("mover", WritingGuest.Script) with
        {
            Disks = [new VmDiskCreate { SizeBytes = 64 << 20 }, new VmDiskCreate { SizeBytes = 64 << 20, Format = DiskFormat.Raw }],
        };
        var vm = await world.LaunchAsync(create);
        await world.SaysAsync(vm, "WRITTEN 50.");

        // Layers that a snapshot needs hold the disk; without the snapshot they become one.
        await world.SucceedsAsync(world.Client.Snapshots.CreateAsync(vm.Id, new SnapshotCreate { Name = "before" }, world.Deadline));
        Assert.Equal("disk.hasSnapshots", (await CopyDaemon.RefusedAsync(MoveAsync(vm, 0))).Code);
        await world.SucceedsAsync(world.Client.Snapshots.DeleteAsync(vm.Id, "before", world.Deadline));
        foreach (int slot in (int[])[0, 1]) await world.SucceedsAsync(MoveAsync(vm, slot));

        var moved = await world.VmAsync("mover");
        Assert.Equal(VmState.Running, moved.Status!.State);
        Assert.Null(moved.Status.Job);
        Assert.DoesNotContain(OpenFiles(vm), file => file.StartsWith(first.Disks, StringComparison.Ordinal));
        foreach (var disk in vm.Spec.Disks) Assert.False(Directory.Exists(first.DiskFolder(disk.Disk)));
        int seen = LastSaid(await world.SerialAsync(vm));
        await world.SaysAsync(vm, $"WRITTEN {seen + 50}.");

        // What is done to a disk afterwards finds it where it is.
        await world.SucceedsAsync(world.Client.Snapshots.CreateAsync(vm.Id, new SnapshotCreate { Name = "after" }, world.Deadline));
        await world.SucceedsAsync(world.Client.Snapshots.DeleteAsync(vm.Id, "after", world.Deadline));
        await world.SucceedsAsync(world.Client.VmDevices.UpdateDiskAsync(vm.Id, "0", new VmDiskUpdate { SizeBytes = 128 << 20 }, world.Deadline));
        seen = LastSaid(await world.SerialAsync(vm));
        await world.SaysAsync(vm, $"WRITTEN {seen + 50}.");
        await world.SucceedsAsync(world.Client.Vms.StopAsync(vm.Id, new VmStopRequest { Force = true }, world.Deadline));
        int last = await LastOfAsync(folder, second.Disk(vm.Spec.Disks[0].Disk, DiskFormat.Qcow2), "qcow2");
        Assert.True(last >= seen + 50);
        Assert.InRange(last - await LastOfAsync(folder, second.Disk(vm.Spec.Disks[1].Disk, DiskFormat.Raw), "raw"), 0, 1);
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("mover", force: true, world.Deadline));
        await world.SucceedsAsync(world.Client.Pools.DeleteAsync("second", world.Deadline));
    }

    private Task<Operation> MoveAsync(Vm vm, int slot) => world.Client.Disks.MoveAsync(vm.Spec.Disks[slot].Disk, new DiskMove { Pool = "second" }, world.Deadline);

    private IEnumerable<string> OpenFiles(Vm vm) =>
        new DirectoryInfo($"/proc/{world.ProcessOf(vm)}/fd").GetFileSystemInfos().Select(file => file.LinkTarget ?? "");

    /// <summary>The last number of which all was heard.</summary>
    private static int LastSaid(string said) => int.Parse(said.Split("WRITTEN ").Last(part => part.Contains('.', StringComparison.Ordinal)).Split('.')[0], System.Globalization.CultureInfo.InvariantCulture);

    private async Task<int> LastOfAsync(TemporaryFolder folder, string disk, string format)
    {
        string raw = folder.File($"{format}.content");
        await DiskFiles.QemuImgAsync("convert", "-f", format, "-O", "raw", disk, raw);
        return WritingGuest.LastOf(await File.ReadAllBytesAsync(raw, world.Deadline));
    }
}
