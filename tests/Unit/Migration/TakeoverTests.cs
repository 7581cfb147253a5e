using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Server.Control;
using Lamina.Server.Hosts;
using Lamina.Server.Snapshots;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>Two hosts on one store: one is dead or cut off, its VMs are taken over, and it comes back.</summary>
public class TakeoverTests
{
    [Fact]
    public async Task AVmOfADeadHostStartsAnewElsewhereAndStaysThere()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        await DieAsync(pair, id);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.TakeOverAsync(id, pair.First));
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        Assert.Equal(AssignmentCause.Recovered, pair.Second.Cache.Snapshot.Get(Keys.Vms.Assignment, id)!.Record.Cause);
        Assert.Equal(2, pair.Second.Cache.Snapshot.Get(Keys.Vms.Status, id)!.Record.Run);

        await pair.First.StartDaemonAsync();
        await pair.First.Vms.Taken;
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        string[] told = [.. (await pair.Second.EventsAsync(id)).Select(happened => happened.Kind)];
        Assert.Contains("vm.takenOver", told);
        Assert.DoesNotContain("vm.outlived", told);
        Assert.Contains(await pair.Second.EventsAsync(pair.First.Id), happened => happened.Kind == "host.saidDead");
    }

    /// <summary>The word was wrong: the lock on the disks keeps the second instance away, and the host that returns ends its own.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AHostThatReturnsEndsWhatTheVmHasOutlived(bool itsDaemonEnded)
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        var old = pair.FirstEngine.Guest(Guid.Parse(id));
        pair.SecondEngine.OnStart = _ => old.IsAlive ? throw new VmEngineException(VmEngineFailure.HostResource, "Failed to get \"write\" lock.", "Is another process using the image?") : Task.CompletedTask;
        if (itsDaemonEnded) await pair.First.StopDaemonAsync();
        var refused = await pair.Second.EndOfAsync(await TakeOverAsync(pair, id, itsDaemonEnded));
        Assert.Equal(OperationPhase.Failed, refused.Phase);
        if (itsDaemonEnded)
        {
            Assert.True(old.IsAlive, "nobody but its own host ends it");
            await pair.First.StartDaemonAsync();
        }

        await old.Ended.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.AskAsync(id, VmOperations.Start, PowerWanted.Running));
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        Assert.Contains(await pair.Second.EventsAsync(id), happened => happened.Kind == "vm.outlived");
    }

    [Fact]
    public async Task NothingIsTakenFromAHostThatLivesOrIsSilentWithoutWord()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        Assert.Equal(["takeOver.notProved"], pair.Second.TakeoverBlockers(id, pair.First, isSaid: false));
        await LiveAsync(pair.Second, pair.First.Id);
        Assert.Equal(["takeOver.hostLives"], pair.Second.TakeoverBlockers(id, pair.First, isSaid: true));
        Assert.Equal(["takeOver.notThere"], pair.Second.TakeoverBlockers(id, pair.Second, isSaid: true));
    }

    /// <summary>The word counts once: for the VMs of this life of the host, and not after it has lived again.</summary>
    [Fact]
    public async Task TheWordIsKeptForTheOtherVmsAndGoesWhenTheHostLivesAgain()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        string other = await pair.LaunchAsync(HostPair.Small with { Name = "web2" });
        foreach (var guest in pair.FirstEngine.Guests) guest.Die(signal: 9);
        await pair.First.StopDaemonAsync();
        await HostPair.SucceedAsync(pair.Second, await pair.Second.TakeOverAsync(id, pair.First));
        Assert.Empty(pair.Second.TakeoverBlockers(other, pair.First, isSaid: false));

        await pair.Second.WriteAsync(change => change.Put(Keys.Hosts.Live, pair.First.Id, Live()).Delete(Keys.Hosts.Death[pair.First.Id]));
        await pair.Second.WriteAsync(change => change.Delete(Keys.Hosts.Live[pair.First.Id]));
        Assert.Equal(["takeOver.notProved"], pair.Second.TakeoverBlockers(other, pair.First, isSaid: false));
    }

    [Fact]
    public async Task TheWordIsVoidInAnotherGenerationOfTheStoreAndInAnotherLifeOfTheHost()
    {
        await using var pair = await HostPair.CreateAsync();
        await pair.Second.WriteAsync(change => HostDeaths.Say(change, pair.Second.Cache.Snapshot, pair.First.Id, "test", DateTimeOffset.UnixEpoch));
        Assert.NotNull(HostDeaths.Of(pair.Second.Cache.Snapshot, pair.First.Id));
        var status = pair.Second.Cache.Snapshot.Get(Keys.Hosts.Status, pair.First.Id)!.Record;
        await pair.Second.WriteAsync(change => change.Put(Keys.Hosts.Status, pair.First.Id, status with { Incarnation = "boot-2" }));
        Assert.Null(HostDeaths.Of(pair.Second.Cache.Snapshot, pair.First.Id));
        await pair.Second.WriteAsync(change => change.Put(Keys.Hosts.Status, pair.First.Id, status));
        await pair.Second.WriteAsync(change => change.Put(Keys.Generation, "", new GenerationRecord { Number = 2 }));
        Assert.Null(HostDeaths.Of(pair.Second.Cache.Snapshot, pair.First.Id));
    }

    [Fact]
    public async Task AStoppedVmChangesItsOwnerAndStaysStopped()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        await HostPair.SucceedAsync(pair.First, await pair.First.AskAsync(id, VmOperations.Shutdown, PowerWanted.Stopped));
        await pair.First.StopDaemonAsync();
        await HostPair.SucceedAsync(pair.Second, await pair.Second.TakeOverAsync(id, pair.First));
        var status = await pair.Second.StatusAsync(id, status => status.Epoch == 2);
        Assert.Equal((pair.Second.Id, VmState.Stopped), (status.Host, status.State));
        Assert.Empty(pair.SecondEngine.Guests);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.AskAsync(id, VmOperations.Start, PowerWanted.Running));
    }

    [Fact]
    public async Task ASuspendedVmKeepsItsMemory()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        await HostPair.SucceedAsync(pair.First, await pair.First.JobAsync(HostSnapshots.Suspend, id));
        await pair.First.StopDaemonAsync();
        await HostPair.SucceedAsync(pair.Second, await pair.Second.TakeOverAsync(id, pair.First));
        Assert.Equal(VmState.Suspended, (await pair.Second.StatusAsync(id, status => status.Epoch == 2)).State);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.AskAsync(id, VmOperations.Start, PowerWanted.Running));
        Assert.Contains("LoadMemory", pair.SecondEngine.Guest(Guid.Parse(id)).Calls);
    }

    /// <summary>What the dead host had been asked for and had not done is done where the VM goes.</summary>
    [Fact]
    public async Task AnOrderThatTheDeadHostDidNotServeIsServed()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        await DieAsync(pair, id);
        string asked = await pair.Second.AskAsync(id, VmOperations.Stop, PowerWanted.Stopped, host: pair.First.Id);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.TakeOverAsync(id, pair.First));
        await HostPair.SucceedAsync(pair.Second, asked);
        Assert.Equal(VmState.Stopped, (await pair.Second.StatusAsync(id, status => status.Epoch == 2)).State);
        Assert.Empty(pair.SecondEngine.Guests);
    }

    /// <summary>Prepared, and the source dies without its word: the target puts away what it has, and the VM starts from its disks there.</summary>
    [Fact]
    public async Task ASourceThatDiesInTheMidstLeavesItsVmToTheOther()
    {
        await using var pair = await HostPair.CreateAsync();
        var (id, guest, operation) = await pair.HoldAsync(MigrationPhase.Active);
        await pair.First.StopDaemonAsync();
        guest.Die(signal: 9);
        await LiveAsync(pair.Second, pair.Second.Id);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.TakeOverAsync(id, pair.First));
        Assert.Equal("migration.hostDead", (await pair.Second.EndOfAsync(operation)).Failure!.Code);
        var status = await pair.Second.StatusAsync(id, status => status is { State: VmState.Running, Epoch: 3 });
        Assert.Equal(pair.Second.Id, status.Host);
        var running = Assert.Single(pair.SecondEngine.Guests, guest => guest.IsAlive);
        Assert.False(running.Definition.MigratesIn);
        Assert.Empty(pair.Wire.Doubled);

        await pair.First.StartDaemonAsync();
        await pair.First.Vms.Taken;
        Assert.DoesNotContain(pair.FirstEngine.Guests, guest => guest.IsAlive);
        Assert.Null(pair.First.Cache.Snapshot.Get(Keys.Vms.Handover, id));
    }

    /// <summary>Committed, postmigrate at the source, and the target is gone for good: e+2 from disk at the source, whose old process ends first.</summary>
    [Fact]
    public async Task ATargetThatDiesAfterItsCommitLeavesTheVmToItsSource()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        var before = pair.FirstEngine.Guest(Guid.Parse(id));
        var committed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        pair.SecondEngine.OnStarted = arriving => arriving.OnCall = async call =>
        {
            if (call != "Continue") return;
            committed.TrySetResult();
            await Task.Delay(Timeout.Infinite, TestContext.Current.CancellationToken);
        };
        string operation = await pair.First.MigrateAsync(id, pair.Second);
        await committed.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        pair.SecondEngine.Guest(Guid.Parse(id)).Die(signal: 9);
        await pair.Second.StopDaemonAsync();
        await HostPair.SucceedAsync(pair.First, await pair.First.TakeOverAsync(id, pair.Second));
        Assert.Equal("migration.hostDead", (await pair.First.EndOfAsync(operation)).Failure!.Code);
        var status = await pair.First.StatusAsync(id, status => status is { State: VmState.Running, Epoch: 3 });
        Assert.Equal(pair.First.Id, status.Host);
        Assert.False(before.IsAlive);
        Assert.Single(pair.FirstEngine.Guests, guest => guest.IsAlive);
        Assert.Empty(pair.Wire.Doubled);
    }

    private static async Task DieAsync(HostPair pair, string id)
    {
        await pair.First.StopDaemonAsync();
        pair.FirstEngine.Guest(Guid.Parse(id)).Die(signal: 9);
    }

    private static Task<string> TakeOverAsync(HostPair pair, string id, bool itsDaemonEnded) => (itsDaemonEnded ? pair.Second : pair.First).TakeOverAsync(id, pair.First);

    private static Task LiveAsync(Lamina.Testing.Vms.VmTestHost writer, string host) => writer.WriteAsync(change => change.Put(Keys.Hosts.Live, host, Live()));

    private static HostLive Live() => new() { Incarnation = "boot-1", Since = DateTimeOffset.UnixEpoch };
}
