using System.Text;
using Lamina.Api;
using Lamina.Server.Pools;
using Lamina.Testing.Server;
using Lamina.Testing.Storage;
using Lamina.Tests.Integration.Vms;

namespace Lamina.Tests.Integration.Copies;

/// <summary>A real guest that writes all the time, and goes on writing while it is cloned and exported.</summary>
public sealed class RunningCloneTests(GuestDaemon world) : IClassFixture<GuestDaemon>
{
    private const int Slots = 512;

    /// <summary>Number n goes to place n mod 512 of the first disk, then of the second; each is on disk before the next is written.</summary>
    private const string Writer = """
        n=0
        while true; do
          n=$((n+1))
          for d in vda vdb; do printf '%08d' $n | dd of=/dev/$d bs=512 seek=$((n%512)) count=1 conv=fsync,notrunc 2>/dev/null; done
          [ $((n%25)) = 0 ] && echo "WRITTEN $n."
        done
        """;

    [Fact]
    public async Task A_clone_and_an_export_of_a_running_guest_hold_one_instant_of_all_its_disks()
    {
        using var folder = new Lamina.Testing.TemporaryFolder();
        var create = GuestDaemon.SmallLinuxVm("writer", Writer) with { Disks = [new VmDiskCreate { SizeBytes = 64 << 20 }, new VmDiskCreate { SizeBytes = 64 << 20 }] };
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
        Assert.True(LastOf(content.ToArray()) >= second);

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
        return LastOf(await File.ReadAllBytesAsync(raw, world.Deadline));
    }

    /// <summary>The last number written; every one before it that has not been written over must be there.</summary>
    private static int LastOf(byte[] disk)
    {
        int[] numbers = [.. Enumerable.Range(0, Slots).Select(slot => int.TryParse(Encoding.ASCII.GetString(disk, slot * 512, 8), out int number) ? number : 0)];
        int last = numbers.Max();
        for (int number = Math.Max(1, last - Slots + 1); number <= last; number++) Assert.Equal(number, numbers[number % Slots]);
        return last;
    }
}
