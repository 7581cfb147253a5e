using System.Text;
using Lamina.Engine;
using Lamina.Engine.Qmp;
using Lamina.Engine.Serial;
using Lamina.Linux.Processes;
using Lamina.Testing.Engine;
using Lamina.Testing.Media;

namespace Lamina.Tests.Integration.Engine;

/// <summary>Changes of a running Linux, as the guest itself sees them.</summary>
public class HotplugTests
{
    private const int RoomMiB = 512;

    [Fact]
    public async Task A_guest_gets_and_gives_back_disks_cards_drives_cpus_and_memory()
    {
        await using var host = new EngineHost();
        var definition = await host.SmallLinuxAsync() with
        {
            MaxCpus = 2, MemoryMiB = 256, MaxMemoryMiB = 256 + RoomMiB, ScsiController = true,
            Limits = new LimitsDefinition { CpuQuotaPercent = 200 },
        };
        await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        var console = await BootAsync(vm, host);

        await Disks(vm, console, host);
        await Drives(vm, console, host);
        await Cards(vm, console, host);
        await CpusAndMemory(vm, console, host);
        await vm.ChangeAsync(new VmChange.SetLimits(new LimitsDefinition { CpuQuotaPercent = 150 }), host.Deadline, host.Deadline);
        Assert.Equal(150, vm.Definition.Limits.CpuQuotaPercent);

        // What is on record is what is there, for whoever attaches next.
        Assert.Empty(await vm.FindMissingAsync(host.Deadline));
        await vm.DisposeAsync();
        await using var again = (await host.NewEngine().AttachAsync(definition.RuntimeFolder, host.Deadline)).Vm!;
        Assert.Equal(vm.Definition.Disks, again.Definition.Disks, DiskSlots);
        Assert.Equal((vm.Definition.Cpus, RoomMiB), (again.Definition.Cpus, again.Definition.PluggedMemoryMiB));
        await again.KillAsync(host.Deadline);
    }

    [Fact]
    public async Task A_guest_that_does_not_hear_keeps_its_disk_and_gives_it_back_at_its_reset()
    {
        await using var host = new EngineHost();
        var path = await host.ImageAsync("data.qcow2", "qcow2");
        var definition = await host.BareAsync() with
        {
            Disks = [new DiskDefinition { Slot = 1, Path = path, Format = DiskFormat.Qcow2, Throttle = new ThrottleDefinition { Iops = 77 } }],
            Nics = [new NicDefinition { Slot = 0, Mac = "52:54:00:00:00:07", LinkUp = false }],
        };
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        await using var vm = await host.Engine.StartPausedAsync(definition, host.Deadline);
        Assert.Equal(77, (await ThrottleOf(vm, "disk1", host)).Iops);

        // Its CPUs have never run, so nobody in it hears.
        using var over = new CancellationTokenSource();
        await over.CancelAsync();
        await Assert.ThrowsAsync<GuestDeclinedException>(() => vm.ChangeAsync(new VmChange.UnplugDisk(1), over.Token, host.Deadline));
        Assert.Single(vm.Definition.Disks);

        await vm.ResetAsync(host.Deadline);
        Assert.Equal("disk1", (await vm.Events.NextAsync<VmDeviceDeleted>(host.Deadline)).Device);
        Assert.Equal(["disk1"], await vm.FindMissingAsync(host.Deadline));
        await vm.ChangeAsync(new VmChange.UnplugDisk(1), over.Token, host.Deadline);
        Assert.Empty(vm.Definition.Disks);
        await vm.KillAsync(host.Deadline);
    }

    [Fact]
    public async Task What_cannot_be_plugged_leaves_nothing()
    {
        await using var host = new EngineHost();
        await using var vm = await host.Engine.StartPausedAsync(await host.BareAsync(), host.Deadline);
        var missing = new DiskDefinition { Slot = 2, Path = "/nowhere/disk", Format = DiskFormat.Qcow2 };
        var refused = await Assert.ThrowsAsync<VmEngineException>(() => vm.ChangeAsync(new VmChange.PlugDisk(missing), host.Deadline, host.Deadline));
        Assert.Equal(VmEngineFailure.FileUnusable, refused.Failure);

        // A base whose format is another one than said: the second node is refused.
        var bad = await host.ImageAsync("bad", "raw");
        File.SetUnixFileMode(bad, (UnixFileMode)0b110_110_110);
        await Assert.ThrowsAsync<QmpErrorException>(() => vm.ChangeAsync(new VmChange.PlugDisk(missing with { Path = bad }), host.Deadline, host.Deadline));
        Assert.Empty(vm.Definition.Disks);
        Assert.Empty(await vm.ExecuteAsync(QmpDeviceCommands.QueryBlockNodes, new FlatArguments { Flat = true }, host.Deadline));
        await Assert.ThrowsAsync<VmEngineException>(() => vm.ChangeAsync(new VmChange.SetMemory(64), host.Deadline, host.Deadline));
        await Assert.ThrowsAsync<VmEngineException>(() => vm.ChangeAsync(new VmChange.SetCpus(2), host.Deadline, host.Deadline));
        await vm.KillAsync(host.Deadline);
    }

    private static async Task Disks(IVm vm, SerialReader console, EngineHost host)
    {
        var virtio = new DiskDefinition { Slot = 1, Path = await FileAsync(host, "v.qcow2", "qcow2"), Format = DiskFormat.Qcow2, Serial = "plugged-1" };
        var scsi = new DiskDefinition
        {
            Slot = 2, Path = await FileAsync(host, "s.raw", "raw"), Format = DiskFormat.Raw, Bus = DiskBus.Scsi, Throttle = new ThrottleDefinition { BytesWrite = 5_000_000 },
        };
        await DoAsync(vm, new VmChange.PlugDisk(virtio), host);
        await DoAsync(vm, new VmChange.PlugDisk(scsi), host);
        // Once more, as after a death of the daemon in between.
        await DoAsync(vm, new VmChange.PlugDisk(virtio), host);
        await console.WaitForAsync("until [ -b /dev/vda ] && [ -b /dev/sda ]; do sleep 0.1; done; cat /sys/block/vda/serial", "plugged-1", host);
        Assert.Equal((5_000_000L, 0L), (await ThrottleOf(vm, "disk2", host) is var bound ? (bound.BpsWrite, bound.Iops) : default));

        await DoAsync(vm, new VmChange.ThrottleDisk(1, new ThrottleDefinition { Iops = 900 }), host);
        Assert.Equal(900, (await ThrottleOf(vm, "disk1", host)).Iops);
        await DoAsync(vm, new VmChange.ThrottleDisk(1, null), host);
        Assert.Equal(0, (await ThrottleOf(vm, "disk1", host)).Iops);

        await DoAsync(vm, new VmChange.ResizeDisk(1, 64 << 20), host);
        await DoAsync(vm, new VmChange.ResizeDisk(1, 32 << 20), host);
        await DoAsync(vm, new VmChange.ResizeDisk(2, 64 << 20), host);
        await console.WaitForAsync("until [ $(cat /sys/block/vda/size) = 131072 ]; do sleep 0.1; done; echo size-$(cat /sys/block/vda/size)", "size-131072", host);

        await DoAsync(vm, new VmChange.UnplugDisk(1), host);
        await DoAsync(vm, new VmChange.UnplugDisk(2), host);
        await DoAsync(vm, new VmChange.UnplugDisk(2), host);
        await console.WaitForAsync("while [ -b /dev/vda ] || [ -b /dev/sda ]; do sleep 0.1; done; echo gone-$((1+1))", "gone-2", host);
        Assert.Empty(await vm.ExecuteAsync(QmpDeviceCommands.QueryFdsets, QmpNothing.Instance, host.Deadline));

        // The file is free: nobody's lock is left on it.
        (await Command.RunAsync(new CommandSpec { Program = "qemu-img", Arguments = ["check", "-q", virtio.Path], Timeout = TimeSpan.FromSeconds(20) }, host.Deadline)).EnsureSuccess();
        await DoAsync(vm, new VmChange.PlugDisk(virtio), host);
    }

    private static async Task Drives(IVm vm, SerialReader console, EngineHost host)
    {
        var (one, two) = (await FileAsync(host, "one.iso", "raw"), await FileAsync(host, "two.iso", "raw"));
        await File.WriteAllTextAsync(one, new string('1', 4096), host.Deadline);
        await File.WriteAllTextAsync(two, new string('2', 4096), host.Deadline);
        await DoAsync(vm, new VmChange.PlugCdrom(new CdromDefinition { Slot = 3 }), host);
        await DoAsync(vm, new VmChange.ChangeMedium(3, one, Force: false), host);
        await console.WaitForAsync("until dd if=/dev/sr0 bs=3 count=1 of=/tmp/cd 2>/dev/null && grep -q 1 /tmp/cd; do sleep 0.1; done; echo has-$(cat /tmp/cd)", "has-111", host);
        await DoAsync(vm, new VmChange.ChangeMedium(3, two, Force: false), host);
        await console.WaitForAsync("until dd if=/dev/sr0 bs=3 count=1 of=/tmp/cd 2>/dev/null && grep -q 2 /tmp/cd; do sleep 0.1; done; echo has-$(cat /tmp/cd)", "has-222", host);

        // A program that holds the drive locks its tray (CDROM_LOCKDOOR by the open file of a reader).
        await console.WaitForAsync("sleep 300 < /dev/sr0 & sleep 0.5; echo held-$((1+1))", "held-2", host);
        using var over = new CancellationTokenSource();
        await over.CancelAsync();
        await Assert.ThrowsAsync<GuestDeclinedException>(() => vm.ChangeAsync(new VmChange.ChangeMedium(3, null, Force: false), over.Token, host.Deadline));
        Assert.Equal(two, vm.Definition.Cdroms.Single().Path);
        await DoAsync(vm, new VmChange.ChangeMedium(3, null, Force: true), host);
        Assert.Null(vm.Definition.Cdroms.Single().Path);
        await DoAsync(vm, new VmChange.UnplugCdrom(3), host);
        Assert.True(vm.Definition.ScsiController);
    }

    private static async Task Cards(IVm vm, SerialReader console, EngineHost host)
    {
        await DoAsync(vm, new VmChange.PlugNic(new NicDefinition { Slot = 2, Mac = "52:54:00:00:00:42" }), host);
        await console.WaitForAsync("until grep -h 00:42 /sys/class/net/*/address; do sleep 0.1; done; ip link set eth0 up", "52:54:00:00:00:42", host);
        await DoAsync(vm, new VmChange.SetNic(2, LinkUp: false, null), host);
        await console.WaitForAsync("until [ $(cat /sys/class/net/eth0/carrier) = 0 ]; do sleep 0.1; done; echo carrier-$((1+1))", "carrier-2", host);
        Assert.False(vm.Definition.Nics.Single().LinkUp);
        await DoAsync(vm, new VmChange.UnplugNic(2), host);
        await DoAsync(vm, new VmChange.UnplugNic(2), host);
        await console.WaitForAsync("while [ -e /sys/class/net/eth0 ]; do sleep 0.1; done; echo nic-gone-$((1+1))", "nic-gone-2", host);
    }

    private static async Task CpusAndMemory(IVm vm, SerialReader console, EngineHost host)
    {
        if (vm.Definition.Accelerator == Accelerator.Tcg)
        {
            // QEMU would end in an assertion once in a while: nothing is tried.
            Assert.Equal(VmEngineFailure.Impossible, (await Assert.ThrowsAsync<VmEngineException>(() => DoAsync(vm, new VmChange.SetCpus(2), host))).Failure);
        }
        else
        {
            await DoAsync(vm, new VmChange.SetCpus(2), host);
            await DoAsync(vm, new VmChange.SetCpus(2), host);
            await console.WaitForAsync("until echo 1 > /sys/devices/system/cpu/cpu1/online; do sleep 0.1; done; echo cpus-$(nproc)", "cpus-2", host);
        }

        await console.WaitForAsync("echo online_movable > /sys/devices/system/memory/auto_online_blocks; echo movable-$((1+1))", "movable-2", host);
        await DoAsync(vm, new VmChange.SetMemory(RoomMiB), host);
        await console.WaitForAsync("until [ $(awk '/MemTotal/ {print $2}' /proc/meminfo) -gt 550000 ]; do sleep 0.1; done; echo much-$((1+1))", "much-2", host);
        await DoAsync(vm, new VmChange.SetMemory(0), host);
        await console.WaitForAsync("until [ $(awk '/MemTotal/ {print $2}' /proc/meminfo) -lt 300000 ]; do sleep 0.1; done; echo little-$((1+1))", "little-2", host);
        await DoAsync(vm, new VmChange.SetMemory(RoomMiB), host);
    }

    private static Task DoAsync(IVm vm, VmChange change, EngineHost host) => vm.ChangeAsync(change, host.Deadline, host.Deadline);

    private static async Task<string> FileAsync(EngineHost host, string name, string format)
    {
        var path = await host.ImageAsync(name, format);
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        return path;
    }

    private static async Task<BlockDeviceInfo> ThrottleOf(IVm vm, string device, EngineHost host) =>
        (await vm.ExecuteAsync(QmpCommands.QueryBlock, QmpNothing.Instance, host.Deadline)).Single(info => info.Qdev!.Contains(device, StringComparison.Ordinal)).Inserted!;

    private static bool DiskSlots(DiskDefinition one, DiskDefinition other) => one.Slot == other.Slot && one.Path == other.Path;

    private static async Task<SerialReader> BootAsync(IVm vm, EngineHost host)
    {
        await vm.ContinueAsync(permit: null, host.Deadline);
        var console = vm.Serial.Attach(withHistory: true);
        await console.WaitForAsync(SmallLinux.Ready, host.Deadline);
        return new SerialReader(console);
    }

    private sealed class SerialReader(SerialClient client)
    {
        public async Task WaitForAsync(string command, string answer, EngineHost host)
        {
            await client.WriteAsync(Encoding.ASCII.GetBytes(command + "\n"), host.Deadline);
            await client.WaitForAsync(answer, host.Deadline);
        }
    }
}
