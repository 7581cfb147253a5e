using Lamina.Api;
using Lamina.Server.Cluster;
using Lamina.Server.Control;
using Lamina.Server.Vms.Recovery;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Vms;
using Lamina.Tests.Unit.Migration;

namespace Lamina.Tests.Unit.Vms;

/// <summary>Two hosts whose store is put back to an older state while their guests run on.</summary>
public sealed class RecoveryTests
{
    [Fact]
    public async Task What_runs_goes_on_what_is_unknown_waits_and_nothing_starts_by_itself()
    {
        await using var pair = await HostPair.CreateAsync();
        string moved = await pair.LaunchAsync();
        string orphan = await pair.LaunchAsync(HostPair.Small with { Name = "made-later" });
        var (deleted, made) = await pair.Second.CreateVmAsync(HostPair.Small with { Name = "deleted-later", Start = false });
        await pair.Second.EndOfAsync(made);
        var guest = pair.FirstEngine.Guest(Guid.Parse(moved));
        var stray = pair.FirstEngine.Guest(Guid.Parse(orphan));
        await pair.First.StopDaemonAsync();
        await pair.Second.StopDaemonAsync();
        await GoBackAsync(pair, moved, orphan, deleted);

        // One host is back: what runs on it is its own, and of nothing else is anything known.
        await pair.First.StartDaemonAsync();
        var running = await pair.First.StatusAsync(moved, status => status is { State: VmState.Running, Host: VmTestHost.HostId });
        Assert.Equal(4, running.Epoch);
        Assert.Equal(4, guest.Record.Definition.Epoch);
        var view = RecoveryViews.Of(pair.First.Cache.Snapshot);
        Assert.Equal((true, 2L), (view.IsRecovered, view.Generation));
        Assert.Equal([VmTestHost.SecondHostId], view.SilentHosts);
        Assert.Equal("deleted-later", Assert.Single(view.Waiting).Name);
        Assert.Equal("made-later", Assert.Single(view.Orphans).Name);

        await pair.Second.StartDaemonAsync();
        var stopped = await pair.First.StatusAsync(deleted, status => status.State == VmState.Stopped);
        Assert.Equal(StopCause.Recovery, stopped.StopCause);
        Assert.DoesNotContain(pair.SecondEngine.Guests, there => there.IsAlive);
        Assert.True(guest.IsAlive && stray.IsAlive);
        Assert.Empty(RecoveryViews.Of(pair.First.Cache.Snapshot).Waiting);
        Assert.Contains(await pair.First.EventsAsync(moved), happened => happened.Kind == "vm.recovered");

        // A person's wish is obeyed again.
        await HostPair.SucceedAsync(pair.Second, await pair.Second.AskAsync(deleted, VmOperations.Start, PowerWanted.Running));
        await HostPair.SucceedAsync(pair.First, await pair.First.AskAsync(moved, VmOperations.Stop, PowerWanted.Stopped));
    }

    /// <summary>The state of before the one VM came to the first host, and the other was made; of after a third was started, which is gone since.</summary>
    private static async Task GoBackAsync(HostPair pair, string moved, string orphan, string deleted)
    {
        var store = pair.First.Store;
        var snapshot = pair.First.Cache.Snapshot;
        var former = snapshot.Get(Keys.Vms.Status, moved)!.Record;
        await new StoreChange("test.back")
            .Put(Keys.Vms.Assignment, moved, new VmAssignment { Host = VmTestHost.SecondHostId, Epoch = 3 })
            .Put(Keys.Vms.Status, moved, former with { Host = VmTestHost.SecondHostId, Epoch = 3, State = VmState.Running })
            .Put(Keys.Vms.Assignment, deleted, new VmAssignment { Host = VmTestHost.SecondHostId, Epoch = 1 })
            .Put(Keys.Vms.Status, deleted, former with { Host = VmTestHost.SecondHostId, Epoch = 1, Run = 2, State = VmState.Running })
            .DeletePrefix(Keys.Vms.All(orphan))
            .CommitAsync(store, TimeProvider.System);
        var recovery = new RecoveryRecord { ClusterId = "cluster", Generation = 2, Etcd = "b", Endpoints = [], At = DateTimeOffset.UnixEpoch, Host = VmTestHost.HostId };
        await new RecoveredStore(store, VmTestHost.HostId, TimeProvider.System).BeginAsync(recovery, "b", CancellationToken.None);
    }
}
