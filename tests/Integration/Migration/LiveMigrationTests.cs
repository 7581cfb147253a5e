using Lamina.Api;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Migration;

/// <summary>Real guests go from one daemon to another, encrypted, and exactly one runs whatever is killed meanwhile.</summary>
public class LiveMigrationTests(HostsOnOneStore hosts) : IClassFixture<HostsOnOneStore>
{
    /// <summary>So slow that there is time to break it.</summary>
    private const long Slow = 8 << 20;

    [Fact]
    public async Task A_guest_goes_over_and_back_and_does_not_notice()
    {
        var vm = await hosts.LaunchAsync("walker");
        int before = await hosts.CountAsync(vm);
        var there = await hosts.MovedAsync("walker", hosts.Second);
        Assert.Equal((vm.Assignment!.Epoch + 1, hosts.Second.Daemon.HostId), (there.Assignment!.Epoch, there.Assignment.Host));
        await hosts.UntilAsync(async () => await hosts.CountAsync(there) > before);
        Assert.Empty(HostsOnOneStore.ProcessesOf(hosts.First, vm));
        var back = await hosts.MovedAsync("walker", hosts.First);
        await hosts.UntilAsync(async () => await hosts.CountAsync(back) > before);
        Assert.Empty(HostsOnOneStore.ProcessesOf(hosts.Second, vm));
        Assert.Equal(VmState.Running, back.Status!.State);
    }

    /// <summary>Nothing is shared but the kernel it booted from: its disk goes along while it runs.</summary>
    [Fact]
    public async Task A_disk_goes_along()
    {
        var vm = await hosts.LaunchAsync("packer", pool: null);
        var disk = (await hosts.First.Client.Disks.GetAsync(vm.Spec.Disks[0].Disk, hosts.Deadline)).Value;
        var ended = await hosts.EndOfAsync(await hosts.MigrateWithStorageAsync("packer", hosts.Second));
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
        await RestsOnceAsync(vm, ended);
        var moved = (await hosts.First.Client.Disks.GetAsync(disk.Id, hosts.Deadline)).Value;
        Assert.NotEqual(disk.Spec.Pool, moved.Spec.Pool);
        Assert.False(Directory.Exists(Path.Combine((await hosts.First.Client.Pools.GetAsync(disk.Spec.Pool, hosts.Deadline)).Value.Spec.Path, "disks", disk.Id)));
        Assert.Equal(hosts.Second.Daemon.HostId, (await hosts.VmAsync("packer")).Status!.Host);
    }

    [Fact]
    public async Task The_sources_daemon_may_die_in_the_midst()
    {
        var vm = await hosts.LaunchAsync("orphan");
        var operation = await hosts.MigrateAsync("orphan", hosts.Second, Slow);
        await SendingAsync(operation);
        await hosts.First.RestartAsync();
        await RestsOnceAsync(vm, operation);
    }

    [Fact]
    public async Task The_targets_daemon_may_die_in_the_midst()
    {
        var vm = await hosts.LaunchAsync("guestless");
        var operation = await hosts.MigrateAsync("guestless", hosts.Second, Slow);
        await SendingAsync(operation);
        await hosts.Second.RestartAsync();
        await RestsOnceAsync(vm, operation);
    }

    [Fact]
    public async Task The_targets_QEMU_may_die_and_the_guest_stays()
    {
        var vm = await hosts.LaunchAsync("stayer");
        var operation = await hosts.MigrateAsync("stayer", hosts.Second, Slow);
        await SendingAsync(operation);
        HostsOnOneStore.Kill(HostsOnOneStore.ProcessesOf(hosts.Second, vm).Single());
        var ended = await hosts.EndOfAsync(operation);
        Assert.Equal(OperationPhase.Failed, ended.State!.Phase);
        await RestsOnceAsync(vm, operation);
        Assert.Equal(hosts.First.Daemon.HostId, (await hosts.VmAsync("stayer")).Status!.Host);
    }

    /// <summary>
    /// The cut last handshake: the target has all of the guest and says so, and the word does not arrive. The source gives it up and goes on by itself; a target that had run what it has would
    /// be the second.
    /// </summary>
    [Fact]
    public async Task A_last_handshake_that_is_cut_leaves_the_guest_where_it_was()
    {
        var vm = await hosts.LaunchAsync("waiter");
        var operation = await hosts.MigrateAsync("waiter", hosts.Second, Slow);
        await SendingAsync(operation);
        await using (var mute = await hosts.MuteTargetAsync())
        {
            Assert.Equal("migration.switchStuck", (await hosts.EndOfAsync(operation)).State!.Failure!.Code);
            Assert.True(await mute.CountAsync() > 0, "The target has said its last word.");
        }

        await RestsOnceAsync(vm, operation);
        var now = await hosts.VmAsync("waiter");
        Assert.Equal((hosts.First.Daemon.HostId, vm.Assignment!.Epoch, vm.Status!.Run), (now.Assignment!.Host, now.Assignment.Epoch, now.Status!.Run));

        // And the way is free again.
        await hosts.MovedAsync("waiter", hosts.Second);
    }

    [Fact]
    public async Task A_cancelled_one_leaves_the_guest_where_it_was()
    {
        var vm = await hosts.LaunchAsync("waverer");
        var operation = await hosts.MigrateAsync("waverer", hosts.Second, Slow);
        await SendingAsync(operation);
        await hosts.First.Client.Operations.CancelAsync(operation.Id, hosts.Deadline);
        Assert.Equal(OperationPhase.Cancelled, (await hosts.EndOfAsync(operation)).State!.Phase);
        await RestsOnceAsync(vm, operation);
        Assert.Equal(vm.Assignment!.Epoch, (await hosts.VmAsync("waverer")).Assignment!.Epoch);
    }

    /// <summary>Its memory is on its way.</summary>
    private async Task SendingAsync(Operation operation) => await hosts.UntilAsync(async () =>
    {
        var now = (await hosts.First.Client.Operations.GetAsync(operation.Id, hosts.Deadline)).State;
        Assert.True(now?.EndedAt is null, now?.Failure?.Message ?? "It ended before it could be broken.");
        return now?.Message?.Contains(" sent", StringComparison.Ordinal) == true;
    });

    /// <summary>One process, where the record says, and it counts on.</summary>
    private async Task RestsOnceAsync(Vm vm, Operation operation)
    {
        await hosts.EndOfAsync(operation);
        var now = await hosts.VmAsync(vm.Name);
        var (owner, other) = now.Assignment!.Host == hosts.First.Daemon.HostId ? (hosts.First, hosts.Second) : (hosts.Second, hosts.First);
        await hosts.UntilAsync(() => Task.FromResult(HostsOnOneStore.ProcessesOf(other, vm).Count == 0));
        Assert.Single(HostsOnOneStore.ProcessesOf(owner, vm));
        now = await hosts.VmAsync(vm.Name);
        int count = await hosts.CountAsync(now);
        await hosts.UntilAsync(async () => await hosts.CountAsync(now) > count);
    }
}
