using Lamina.Api;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>A guest that somebody has paused goes over, or stays, and is paused wherever it is.</summary>
public class PausedHandoverTests
{
    [Fact]
    public async Task ItGoesOverAndBackAndGoesOnWhenItIsTold()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await LaunchAsync(pair);
        await HostPair.SucceedAsync(pair.First, await pair.First.MigrateAsync(id, pair.Second));
        await AssertPausedAsync(pair, id, pair.Second, epoch: 2);
        Assert.DoesNotContain("Continue", pair.SecondEngine.Guest(Guid.Parse(id)).Calls);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.MigrateAsync(id, pair.First));
        await AssertPausedAsync(pair, id, pair.First, epoch: 3);
        await HostPair.SucceedAsync(pair.First, await pair.First.AskAsync(id, VmOperations.Resume, PowerWanted.Running));
        await pair.AssertAtRestAsync(id, pair.First, epoch: 3);
        Assert.Contains(await pair.First.EventsAsync(id), happened => happened.Kind == "vm.migrated" && happened.Message.Contains("paused", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(MigrationPhase.Active)]
    [InlineData(MigrationPhase.Device)]
    public async Task CancelledItStaysPausedAndCanGoAgain(MigrationPhase phase)
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await LaunchAsync(pair);
        var guest = pair.FirstEngine.Guest(Guid.Parse(id));
        guest.HoldMigrationAt(phase);
        string operation = await pair.First.MigrateAsync(id, pair.Second);
        await guest.ReachedAsync(phase, TestContext.Current.CancellationToken);
        await pair.First.CancelAsync(operation);
        Assert.Equal(OperationPhase.Cancelled, (await pair.First.EndOfAsync(operation)).Phase);
        await AssertPausedAsync(pair, id, pair.First, epoch: 1);
        guest.HoldMigrationAt(null);
        await HostPair.SucceedAsync(pair.First, await pair.First.MigrateAsync(id, pair.Second));
        await AssertPausedAsync(pair, id, pair.Second, epoch: 2);
    }

    [Theory]
    [InlineData(MigrationPhase.Active)]
    [InlineData(MigrationPhase.Device)]
    public async Task ALinkThatIsCutLeavesItPausedAtTheSource(MigrationPhase phase)
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await LaunchAsync(pair);
        var guest = pair.FirstEngine.Guest(Guid.Parse(id));
        guest.HoldMigrationAt(phase);
        string operation = await pair.First.MigrateAsync(id, pair.Second);
        await guest.ReachedAsync(phase, TestContext.Current.CancellationToken);
        pair.Wire.Cut();
        Assert.Equal(OperationPhase.Failed, (await pair.First.EndOfAsync(operation)).Phase);
        await AssertPausedAsync(pair, id, pair.First, epoch: 1);
    }

    /// <summary>The target had it all, and was refused the disks until it gave the VM back.</summary>
    [Fact]
    public async Task WhatTheTargetCannotTakeIsPausedAtTheSourceAgain()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await LaunchAsync(pair);
        pair.SecondEngine.OnStarted = arriving => arriving.OnCall = call =>
        {
            if (call != "TakeHalted") return Task.CompletedTask;
            arriving.Die(signal: 9);
            throw new QmpClosedException("block-export-add: the process has ended.");
        };
        string operation = await pair.First.MigrateAsync(id, pair.Second);
        Assert.Equal("migration.refused", (await pair.First.EndOfAsync(operation)).Failure!.Code);
        await AssertPausedAsync(pair, id, pair.First, epoch: 3);
    }

    [Fact]
    public async Task AnOrderToGoOnOverrulesIt()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await LaunchAsync(pair);
        var guest = pair.FirstEngine.Guest(Guid.Parse(id));
        guest.HoldMigrationAt(MigrationPhase.Active);
        string operation = await pair.First.MigrateAsync(id, pair.Second);
        await guest.ReachedAsync(MigrationPhase.Active, TestContext.Current.CancellationToken);
        await HostPair.SucceedAsync(pair.First, await pair.First.AskAsync(id, VmOperations.Resume, PowerWanted.Running));
        Assert.Equal("migration.overruled", (await pair.First.EndOfAsync(operation)).Failure!.Code);
        await pair.AssertAtRestAsync(id, pair.First, epoch: 1);
    }

    /// <summary>A daemon dies at each of its commits, before it or after it, and starts anew.</summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task WhereverADaemonDiesItIsPausedOnce(bool atSource, bool diesAfter)
    {
        int commit = 1;
        while (await DieAsync(atSource, commit, diesAfter)) commit++;
        Assert.True(commit > 3, "its words and its decision are commits");
    }

    /// <returns>False: it made fewer commits.</returns>
    private static async Task<bool> DieAsync(bool atSource, int commit, bool diesAfter)
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await LaunchAsync(pair);
        var victim = atSource ? pair.First : pair.Second;
        await victim.StopDaemonAsync();
        await victim.StartDaemonAsync(mortal: store => new MortalStore(store) { LastCommit = commit, DiesAfter = diesAfter });
        await victim.Vms.Taken;
        string operation = await pair.First.MigrateAsync(id, pair.Second);
        var died = victim.DaemonStore.Died;
        var observer = atSource ? pair.Second : pair.First;
        var ending = observer.EndOfAsync(operation);
        await Task.WhenAny(died, ending);
        if (died.IsCompleted)
        {
            await victim.StopDaemonAsync();
            await victim.StartDaemonAsync();
        }

        bool moved = (await ending).Phase == OperationPhase.Succeeded;
        await AssertPausedAsync(pair, id, moved ? pair.Second : pair.First, moved ? 2 : observer.Cache.Snapshot.Get(Keys.Vms.Assignment, id)!.Record.Epoch);
        return died.IsCompleted;
    }

    private static async Task<string> LaunchAsync(HostPair pair)
    {
        string id = await pair.LaunchAsync();
        await HostPair.SucceedAsync(pair.First, await pair.First.AskAsync(id, VmOperations.Pause, PowerWanted.Paused));
        return id;
    }

    /// <summary>One process has it, where the store says, halted as one that was paused there.</summary>
    private static async Task AssertPausedAsync(HostPair pair, string id, VmTestHost owner, long epoch)
    {
        await owner.WaitForAsync([Keys.Vms.Handover], snapshot => snapshot.Get(Keys.Vms.Handover, id) is null);
        var status = await owner.StatusAsync(id, status => status.State == VmState.Paused && status.Epoch == epoch);
        Assert.Equal((owner.Id, PauseCause.Request), (status.Host, status.PauseCause));
        Assert.Equal(owner.Id, owner.Cache.Snapshot.Get(Keys.Vms.Assignment, id)!.Record.Host);
        await HostPair.EndsAsync(id, other: owner == pair.First ? pair.SecondEngine : pair.FirstEngine);
        var guest = Assert.Single((owner == pair.First ? pair.FirstEngine : pair.SecondEngine).Guests, guest => guest.IsAlive && guest.Definition.Id == Guid.Parse(id));
        Assert.Equal((RunState.Paused, epoch, false), (guest.State, guest.Definition.Epoch, guest.Definition.MigratesIn));
        Assert.Empty(pair.Wire.Doubled);
    }
}
