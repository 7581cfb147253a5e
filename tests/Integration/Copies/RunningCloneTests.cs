using Lamina.Api;
using Lamina.Server.Pools;
using Lamina.Testing.Server;
using Lamina.Testing.Storage;
using Lamina.Tests.Integration.Vms;

namespace Lamina.Tests.Integration.Copies;

/// <summary>A real guest that writes all the time, and goes on writing while it is cloned and exported.</summary>
public sealed class RunningCloneTests(GuestDaemon world) : IClassFixture<GuestDaemon>
{
    [Fact]
    public async Task A_clone_and_an_export_of_a_running_guest_hold_one_instant_of_all_its_disks()
    {
        using var folder = new Lamina.Testing.TemporaryFolder();
        var create = GuestDaemon.SmallLinuxVm("writer", WritingGuest.Script) with { Disks = [new VmDiskCreate { SizeBytes = 64 << 20 }, new VmDiskCreate { SizeBytes = 64 << 20 }] };
        var vm = await world.LaunchAsync(create);
        await world.SaysAsync(vm, "WRITTEN 50.");

        await world.SucceedsAsync(world.Client.Vms.CloneAsync("writer", new VmClone { Name = "writer2" }, world.Deadline));
        var clone = await world.UntilAsync("writer2", found => found.Status?.State == VmState.Stopped);
        int first = await LastOfAsync(folder, clone, 0);
        int second = await LastOfAsync(folder, clone, 1);
        Assert.True(first >= 50);
        Assert.InRange(first - second, 0, 1);

        var export = await world.EndOfAsync(await world.Client.Vms.ExportAsync("writer", new VmExport { Format = ExportFormat.Raw, Disk = 1 }, world.Deadline));
        Assert.True(export.State!.Phase == OperationPhase.Succeeded, export.State.Failure?.Message);
        using var content = new MemoryStream();
        await world.Client.Exports.FetchAsync(export.Id, content, null, world.Deadline);
        Assert.True(WritingGuest.LastOf(content.ToArray()) >= second);

        int later = first + 50;
        await world.SaysAsync(vm, $"WRITTEN {later - (later % 25)}.");
        Assert.Equal(VmState.Running, (await world.VmAsync("writer")).Status!.State);
        await GoneAsync(vm);
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("writer", force: true, world.Deadline));
        await world.SucceedsAsync(world.Client.Vms.DeleteAsync("writer2", force: true, world.Deadline));
    }

    private Task GoneAsync(Vm vm) =>
        world.Client.UntilAsync("snapshots", ApiJson.Default.Snapshot, snapshots => snapshots.All(snapshot => snapshot.Spec.Vm != vm.Id), world.Deadline);

    private async Task<int> LastOfAsync(Lamina.Testing.TemporaryFolder folder, Vm vm, int slot)
    {
        string qcow2 = new PoolPaths(world.Daemon.Instance.DefaultPoolDirectory).Disk(vm.Spec.Disks.Single(disk => disk.Slot == slot).Disk, DiskFormat.Qcow2);
        string raw = folder.File($"{slot}.raw");
        await DiskFiles.QemuImgAsync("convert", "-f", "qcow2", "-O", "raw", qcow2, raw);
        return WritingGuest.LastOf(await File.ReadAllBytesAsync(raw, world.Deadline));
    }
}
