using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Tests.Integration.Vms;

namespace Lamina.Tests.Integration.Snapshots;

/// <summary>Snapshots of real guests under a whole daemon.</summary>
public class SnapshotTests(GuestDaemon guests) : IClassFixture<GuestDaemon>
{
    [Fact]
    public async Task Memory_and_disks_come_back_and_a_suspended_guest_outlives_the_daemon()
    {
        const string name = "past";
        var vm = await LaunchAsync(name, new VmDiskCreate { SizeBytes = 64 << 20 }, new VmDiskCreate { SizeBytes = 16 << 20, Format = DiskFormat.Raw });
        await WriteAsync(name, "first");
        await TakeAsync(name, new SnapshotCreate { Name = "with-memory", WithMemory = true });
        Assert.Equal(VmState.Running, (await guests.VmAsync(name)).Status!.State);
        await WriteAsync(name, "second");

        var refused = await Assert.ThrowsAsync<LaminaException>(() => guests.Client.Snapshots.RestoreAsync(name, "with-memory", new SnapshotRestore(), guests.Deadline));
        Assert.Equal("snapshot.wouldDiscard", refused.Problem.Code);
        await guests.SucceedsAsync(guests.Client.Snapshots.RestoreAsync(name, "with-memory", new SnapshotRestore { Discard = true }, guests.Deadline));

        var restored = await guests.VmAsync(name);
        Assert.Equal((VmState.Running, vm.Status!.Run + 1), (restored.Status!.State, restored.Status.Run));
        Assert.Equal("first first first", await ReadAsync(name));
        Assert.Equal(vm.Status.Agent!.BootId, await BootIdAsync(name));

        await guests.SucceedsAsync(guests.Client.Vms.SuspendAsync(name, guests.Deadline));
        Assert.Equal(VmState.Suspended, (await guests.VmAsync(name)).Status!.State);
        await guests.Daemon.RestartAsync();
        await guests.UntilAsync(name, seen => seen.Status!.State == VmState.Suspended);
        await guests.SucceedsAsync(guests.Client.Vms.StartAsync(name, guests.Deadline));
        Assert.Equal("first first first", await ReadAsync(name));
        Assert.Equal(vm.Status.Agent!.BootId, await BootIdAsync(name));
        string home = Path.Join(guests.Daemon.Instance.DefaultPoolDirectory, "vms", vm.Id);
        while (Directory.EnumerateDirectories(home, "suspend-*").Any()) await Task.Delay(50, guests.Deadline);
    }

    [Fact]
    public async Task Snapshots_in_the_midst_are_deleted_while_the_guest_runs_and_nothing_is_lost()
    {
        const string name = "layers";
        var vm = await LaunchAsync(name, new VmDiskCreate { SizeBytes = 64 << 20 }, new VmDiskCreate { SizeBytes = 16 << 20, Format = DiskFormat.Raw });
        foreach (string round in (string[])["one", "two", "three"])
        {
            await WriteAsync(name, round);
            await TakeAsync(name, new SnapshotCreate { Name = round, Quiesce = round == "one" ? null : false });
        }

        await WriteAsync(name, "now");
        await guests.SucceedsAsync(guests.Client.Snapshots.DeleteAsync(name, "two", guests.Deadline));
        Assert.Equal("now now now", await ReadAsync(name));
        await guests.SucceedsAsync(guests.Client.Snapshots.DeleteAsync(name, "three", guests.Deadline));
        await WriteAsync(name, "later");
        Assert.Equal([DiskLayer.First, "x"], (await LayersAsync(vm)).Select(layer => layer.Id == DiskLayer.First ? layer.Id : "x"));

        // Back to what the first one froze, from a stopped VM, and forward again from there.
        await guests.SucceedsAsync(guests.Client.Vms.StopAsync(name, new VmStopRequest { Force = true }, guests.Deadline));
        await guests.SucceedsAsync(guests.Client.Snapshots.RestoreAsync(name, "one", new SnapshotRestore { Discard = true, Start = true }, guests.Deadline));
        await guests.UntilAsync(name, seen => seen.Status?.Agent?.BootId is not null);
        Assert.Equal("- one one", await ReadAsync(name));
        await guests.SucceedsAsync(guests.Client.Vms.StopAsync(name, new VmStopRequest { Force = true }, guests.Deadline));
        await guests.SucceedsAsync(guests.Client.Snapshots.DeleteAsync(name, "one", guests.Deadline));
        Assert.Single(await LayersAsync(vm));
        string folder = Path.Join(guests.Daemon.Instance.DefaultPoolDirectory, "disks", vm.Spec.Disks[0].Disk);
        Assert.Equal(["disk.qcow2"], Directory.GetFiles(folder).Select(Path.GetFileName));
    }

    [Fact]
    public async Task What_does_not_fit_is_refused_with_its_reason()
    {
        var vm = (await guests.EndOfAsync(await guests.Client.Vms.CreateAsync(GuestDaemon.SmallLinuxVm("still") with { Start = false }, guests.Deadline))).Request.Target.Id;
        var problems = await Assert.ThrowsAsync<LaminaException>(() =>
            guests.Client.Snapshots.CreateAsync(vm, new SnapshotCreate { Name = "No Name", WithMemory = true, Quiesce = true }, guests.Deadline));
        Assert.Equal(["$.name", "$.quiesce"], problems.Problem.Problems!.Select(problem => problem.Path).Order(StringComparer.Ordinal));
        var failed = await guests.EndOfAsync(await guests.Client.Snapshots.CreateAsync(vm, new SnapshotCreate { Name = "memory", WithMemory = true }, guests.Deadline));
        Assert.Equal("snapshot.noMemory", failed.State!.Failure!.Code);
        Assert.Equal("vm.notRunning", (await Assert.ThrowsAsync<LaminaException>(() => guests.Client.Vms.SuspendAsync(vm, guests.Deadline))).Problem.Code);
        Assert.Equal("snapshot.notFound", (await Assert.ThrowsAsync<LaminaException>(() => guests.Client.Snapshots.DeleteAsync(vm, "none", guests.Deadline))).Problem.Code);
        await TakeAsync(vm, new SnapshotCreate { Name = "cold" });
        Assert.True((await guests.Client.Snapshots.GetAsync(vm, "cold", guests.Deadline)).Value.Current);

        string disk = (await guests.VmAsync("still")).Spec.Disks[0].Disk;
        var lost = await Assert.ThrowsAsync<LaminaException>(() => guests.Client.VmDevices.DetachDiskAsync(vm, "0", delete: true, guests.Deadline));
        Assert.Equal("disk.hasSnapshots", lost.Problem.Code);
        Assert.EndsWith(": cold.", lost.Problem.Detail, StringComparison.Ordinal);
        await guests.SucceedsAsync(guests.Client.VmDevices.DetachDiskAsync(vm, "0", delete: false, guests.Deadline));
        Assert.Equal("disk.hasSnapshots", (await Assert.ThrowsAsync<LaminaException>(() => guests.Client.Disks.DeleteAsync(disk, guests.Deadline))).Problem.Code);
        await guests.SucceedsAsync(guests.Client.Snapshots.DeleteAsync(vm, "cold", guests.Deadline));
        await guests.SucceedsAsync(guests.Client.Disks.DeleteAsync(disk, guests.Deadline));
    }

    private async Task<Vm> LaunchAsync(string name, params VmDiskCreate[] disks)
    {
        await guests.LaunchAsync(GuestDaemon.SmallLinuxVm(name) with { Disks = disks });
        return await guests.UntilAsync(name, seen => seen.Status?.Agent?.BootId is not null);
    }

    private async Task TakeAsync(string name, SnapshotCreate create) => await guests.SucceedsAsync(guests.Client.Snapshots.CreateAsync(name, create, guests.Deadline));

    /// <summary>Into memory and onto both disks.</summary>
    private Task<string> WriteAsync(string name, string text) =>
        ShellAsync(name, $"echo {text} > /tmp/mark; for disk in /dev/vda /dev/vdb; do printf '%-16s' {text} | dd of=$disk conv=fsync 2>/dev/null; done");

    /// <summary>What memory and both disks say; - for a memory that knows nothing.</summary>
    private async Task<string> ReadAsync(string name) => await ShellAsync(
        name, "echo 3 > /proc/sys/vm/drop_caches; m=$(cat /tmp/mark 2>/dev/null || echo -); set -- $m $(head -c 16 /dev/vda) $(head -c 16 /dev/vdb); echo $1 $2 $3");

    private Task<string> BootIdAsync(string name) => ShellAsync(name, "cat /proc/sys/kernel/random/boot_id");

    private async Task<string> ShellAsync(string name, string script)
    {
        var said = await guests.Client.Vms.ExecAsync(name, new VmExecRequest { Command = ["/bin/sh", "-c", script] }, guests.Deadline);
        Assert.True(said.ExitCode == 0, said.Error);
        return said.Output.Trim();
    }

    private async Task<IReadOnlyList<DiskLayer>> LayersAsync(Vm vm) =>
        (await guests.Client.Disks.GetAsync(vm.Spec.Disks[0].Disk, guests.Deadline)).Value.Status!.Layers;
}
