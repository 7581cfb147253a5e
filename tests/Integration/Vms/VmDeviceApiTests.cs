using System.Net;
using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Testing.Engine;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Vms;

/// <summary>Disks, cards and drives of VMs through a whole daemon, over an engine that needs no guest.</summary>
public sealed class VmDeviceApiTests : IAsyncLifetime
{
    private readonly FakeEngine _engine = new();
    private TestDaemon _daemon = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private LaminaClient Client => _daemon.Client;

    public async ValueTask InitializeAsync()
    {
        _daemon = await TestDaemon.StartAsync(change: options => options with { Engine = _engine });
        await Client.HostIsReadyAsync(Token);
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();

    [Fact]
    public async Task Devices_come_change_and_go_while_the_vm_runs()
    {
        var vm = await LaunchAsync("web1");
        var guest = _engine.Guest(Guid.Parse(vm.Id));
        await DoneAsync(Client.VmDevices.AddDiskAsync("web1", new VmDiskAdd { SizeBytes = 1 << 20, Limits = new DiskLimits { Iops = 100 } }, Token));
        await DoneAsync(Client.VmDevices.UpdateDiskAsync("web1", "0", new VmDiskUpdate { SizeBytes = 2 << 20, Limits = new DiskLimits { Iops = 0 } }, Token));
        await DoneAsync(Client.VmDevices.AddNicAsync("web1", new VmNicCreate { Kind = NicKind.User }, Token));
        await DoneAsync(Client.VmDevices.UpdateNicAsync("web1", 0, new VmNicUpdate { Link = NicLink.Down }, Token));
        Assert.Equal((2L << 20, null), (guest.Definition.Disks.Single().SizeBytes, guest.Definition.Disks.Single().Throttle));
        Assert.False(guest.Definition.Nics.Single().LinkUp);

        string disk = (await VmAsync("web1")).Spec.Disks.Single().Disk;
        await DoneAsync(Client.VmDevices.DetachDiskAsync("web1", "0", delete: false, Token));
        await DoneAsync(Client.VmDevices.RemoveNicAsync("web1", 0, Token));
        Assert.Empty(guest.Definition.Disks);
        Assert.Empty(guest.Definition.Nics);

        // The disk is free for another VM now, and only for one.
        await LaunchAsync("web2");
        await DoneAsync(Client.VmDevices.AddDiskAsync("web2", new VmDiskAdd { Disk = disk }, Token));
        await RefusedAsync("disk.attached", () => Client.VmDevices.AddDiskAsync("web1", new VmDiskAdd { Disk = disk }, Token));
        await DoneAsync(Client.VmDevices.DetachDiskAsync("web2", disk, delete: true, Token));
        await RefusedAsync("disk.notFound", () => Client.Disks.GetAsync(disk, Token));
    }

    [Fact]
    public async Task What_is_protected_is_deleted_by_nobody()
    {
        await LaunchAsync("web1");
        await DoneAsync(Client.VmDevices.AddDiskAsync("web1", new VmDiskAdd { SizeBytes = 1 << 20 }, Token));
        await DoneAsync(Client.VmDevices.UpdateDiskAsync("web1", "0", new VmDiskUpdate { Protected = true }, Token));
        await RefusedAsync("disk.protected", () => Client.VmDevices.DetachDiskAsync("web1", "0", delete: true, Token));
        await RefusedAsync("disk.protected", () => Client.Vms.DeleteAsync("web1", force: true, Token));
        await Client.Vms.UpdateAsync("web1", new VmUpdate { Protected = true }, null, Token);
        await RefusedAsync("vm.protected", () => Client.Vms.DeleteAsync("web1", force: true, Token));
    }

    [Fact]
    public async Task A_change_of_the_machine_waits_for_a_restart_and_says_so()
    {
        await LaunchAsync("web1");
        await DoneAsync(Client.VmDevices.AddCdromAsync("web1", new VmCdromChange(), Token), "$.cdroms[?@.slot==0]");
        var changed = await Client.Vms.UpdateAsync("web1", new VmUpdate { Cpus = 2, Boot = [] }, null, Token);
        await DoneAsync(Client.Operations.GetAsync(changed.Operation!, Token), "$.cpus");
        Assert.Equal(["$.cdroms[?@.slot==0]", "$.cpus"], (await VmAsync("web1")).Status!.PendingRestart.Order());
        Assert.Null((await Client.Vms.UpdateAsync("web1", new VmUpdate { Notes = "n" }, null, Token)).Operation);
        await RefusedAsync("input.invalid", () => Client.VmDevices.AddDiskAsync("web1", new VmDiskAdd { Limits = new DiskLimits { Iops = 5, IopsRead = 5 } }, Token));
        await RefusedAsync("nic.notFound", () => Client.VmDevices.RemoveNicAsync("web1", 3, Token));
        await RefusedAsync("cdrom.notFound", () => Client.VmDevices.EjectAsync("web1", 6, force: true, Token));
    }

    private async Task<Vm> LaunchAsync(string name)
    {
        await DoneAsync(Client.Vms.CreateAsync(new VmCreate { Name = name, Nics = [], Start = true }, Token));
        return await VmAsync(name);
    }

    private async Task<Vm> VmAsync(string name) => (await Client.Vms.GetAsync(name, Token)).Value;

    private async Task DoneAsync(Task<Operation> asking, string? pending = null)
    {
        var ended = await Client.Operations.WaitAsync((await asking).Id, null, Token);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
        Assert.Equal(pending, (string?)ended.State.Result?["pendingRestart"]?[0]?["path"]);
    }

    private static async Task RefusedAsync(string code, Func<Task> asking) => Assert.Equal(code, (await Assert.ThrowsAsync<LaminaException>(asking)).Problem.Code);
}
