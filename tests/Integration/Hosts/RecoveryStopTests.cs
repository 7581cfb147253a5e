using Lamina.Api;
using Lamina.Api.Client;
using Lamina.Server.Control;
using Lamina.Testing;
using Lamina.Testing.Server;

namespace Lamina.Tests.Integration.Hosts;

/// <summary><c>lamina cluster recovery stop</c>: a person's word on a guest that a recovered store cannot place.</summary>
public sealed class RecoveryStopTests : IAsyncLifetime
{
    private const long Generation = 2;

    private TestCluster _cluster = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private TestDaemon A => _cluster.A;

    private TestDaemon B => _cluster.B;

    public async ValueTask InitializeAsync() => _cluster = await TestCluster.StartAsync(Token);

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task A_guest_of_no_VM_on_record_runs_on_until_it_is_ended_by_way_of_any_host()
    {
        var vm = await MakeAsync("web", "default-hostb");
        var guest = _cluster.EngineB.Guest(Guid.Parse(vm.Id));
        await RecoverAsync(back => back.DeletePrefix(Keys.Vms.All(vm.Id)), (B, vm));

        var orphan = Assert.Single((await A.Client.Cluster.GetRecoveryAsync(Token)).Orphans);
        Assert.Equal(("hostb", vm.Id, "web"), (orphan.Host, orphan.Vm, orphan.Name));
        Assert.Equal("host.notFound", await RefusalAsync("hostc", vm.Id));
        Assert.Equal("guest.notFound", await RefusalAsync("hosta", vm.Id));
        Assert.Equal("guest.notFound", await RefusalAsync("hostb", Guid.NewGuid().ToString()));
        Assert.True(guest.IsAlive);

        await A.Client.Cluster.StopGuestAsync("hostb", vm.Id, Token);
        Assert.False(guest.IsAlive);
        await TestCluster.UntilAsync(A, snapshot => !snapshot.All(Keys.Hosts.Guests).Any(), Keys.Hosts.Guests);
        Assert.Empty((await A.Client.Cluster.GetRecoveryAsync(Token)).Orphans);
        Assert.Equal("guest.notFound", await RefusalAsync("hostb", vm.Id));
        var told = Assert.Single(await A.Client.Events.ListAsync(Token).ToListAsync(Token), happened => happened.Kind == "guest.stopped");
        Assert.Contains("'web' on host 'hostb'", told.Message, StringComparison.Ordinal);
        Assert.Contains(await A.Client.Events.ListAuditAsync(Token).ToListAsync(Token), entry => entry.Subject == "local:0" && entry.Target?.Id == vm.Id);
    }

    /// <summary>The host died before the report went, or the guest ended by itself: the word is carried out all the same.</summary>
    [Fact]
    public async Task A_guest_that_has_ended_meanwhile_is_only_forgotten()
    {
        var vm = await MakeAsync("web", "default-hostb");
        await RecoverAsync(back => back.DeletePrefix(Keys.Vms.All(vm.Id)), (A, vm));
        await A.Client.Cluster.StopGuestAsync("hosta", vm.Id, Token);
        await TestCluster.UntilAsync(A, snapshot => !snapshot.All(Keys.Hosts.Guests).Any(), Keys.Hosts.Guests);
        Assert.True(_cluster.EngineB.Guest(Guid.Parse(vm.Id)).IsAlive);
    }

    [Fact]
    public async Task Of_two_hosts_that_run_one_VM_the_one_that_is_left_owns_it()
    {
        var vm = await MakeAsync("web", "default");
        await RecoverAsync(_ => { }, (A, vm), (B, vm));
        Assert.Contains("lamina cluster recovery stop HOST VM", Assert.Single((await B.Client.Cluster.GetRecoveryAsync(Token)).Waiting).Why, StringComparison.Ordinal);

        await B.Client.Cluster.StopGuestAsync("hostb", vm.Id, Token);
        await TestCluster.UntilAsync(B, snapshot => snapshot.Get(Keys.Vms.Assignment, vm.Id)?.Record is { Epoch: 2, Cause: AssignmentCause.Recovered } given && given.Host == A.Daemon.HostId, Keys.Vms.Assignment);
        Assert.True(_cluster.EngineA.Guest(Guid.Parse(vm.Id)).IsAlive);
        Assert.Empty((await B.Client.Cluster.GetRecoveryAsync(Token)).Waiting);
    }

    /// <summary>The store as it is once every host has told what runs on it.</summary>
    private async Task RecoverAsync(Action<StoreChange> back, params (TestDaemon Host, Vm Vm)[] guests)
    {
        var change = new StoreChange("test.back");
        back(change);
        change.Put(Keys.Recovery, "", new RecoveryRecord { ClusterId = "cluster", Generation = Generation, Etcd = "b", Endpoints = [], At = DateTimeOffset.UnixEpoch, Host = A.Daemon.HostId });
        foreach (var host in (TestDaemon[])[A, B]) change.Put(Keys.Hosts.Report, host.Daemon.HostId, new HostReport { Generation = Generation, At = DateTimeOffset.UnixEpoch });
        foreach (var (host, vm) in guests)
            change.Put(Keys.Hosts.Guests, Keys.Hosts.GuestId(host.Daemon.HostId, vm.Id), new HostGuest { Name = vm.Name, Epoch = 1, Run = 1, Runs = true });
        var result = await change.CommitAsync(_cluster.Store, TimeProvider.System, Token);
        foreach (var host in (TestDaemon[])[A, B]) await TestCluster.UntilAsync(host, snapshot => snapshot.Revision >= result.Revision, Keys.Hosts.Guests);
    }

    private async Task<Vm> MakeAsync(string name, string pool)
    {
        var create = new VmCreate { Name = name, MemoryMiB = 128, Disks = [new VmDiskCreate { SizeBytes = 1 << 20, Pool = pool }], Nics = [], Start = true };
        var ended = await A.Client.Operations.WaitAsync((await A.Client.Vms.CreateAsync(create, Token)).Id, null, Token);
        Assert.True(ended.State!.Phase == OperationPhase.Succeeded, ended.State.Failure?.Message);
        return (await A.Client.Vms.GetAsync(name, Token)).Value;
    }

    private async Task<string> RefusalAsync(string host, string vm) => (await Assert.ThrowsAsync<LaminaException>(() => A.Client.Cluster.StopGuestAsync(host, vm, Token))).Problem.Code;
}
