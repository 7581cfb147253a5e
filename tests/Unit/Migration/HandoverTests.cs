using Lamina.Api;
using Lamina.Engine;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Snapshots;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;
using Xunit;

namespace Lamina.Tests.Unit.Migration;

/// <summary>Two hosts on one store, with engines that play QEMU's part: a VM goes over, or stays, and runs once.</summary>
public class HandoverTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task ARunningGuestGoesOverAndBack()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        await HostPair.SucceedAsync(pair.First, await pair.First.MigrateAsync(id, pair.Second));
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.MigrateAsync(id, pair.First));
        await pair.AssertAtRestAsync(id, pair.First, epoch: 3);

        // And each is in the hands of its new host's plan.
        await HostPair.SucceedAsync(pair.First, await pair.First.AskAsync(id, VmOperations.Pause, PowerWanted.Paused));
        Assert.Contains(await pair.First.EventsAsync(id), happened => happened.Kind == "vm.migrated");
    }

    [Fact]
    public async Task AStoppedVmChangesItsHostAndStartsThere()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        await HostPair.SucceedAsync(pair.First, await pair.First.AskAsync(id, VmOperations.Shutdown, PowerWanted.Stopped));
        await HostPair.SucceedAsync(pair.First, await pair.First.MigrateAsync(id, pair.Second));
        var status = await pair.Second.StatusAsync(id, status => status.Epoch == 2);
        Assert.Equal((pair.Second.Id, VmState.Stopped), (status.Host, status.State));
        Assert.Empty(pair.SecondEngine.Guests);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.AskAsync(id, VmOperations.Start, PowerWanted.Running));
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
    }

    [Fact]
    public async Task ASuspendedVmGoesOnAtItsNewHost()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        await HostPair.SucceedAsync(pair.First, await pair.First.JobAsync(HostSnapshots.Suspend, id));
        await HostPair.SucceedAsync(pair.First, await pair.First.MigrateAsync(id, pair.Second));
        Assert.Equal(VmState.Suspended, (await pair.Second.StatusAsync(id, status => status.Epoch == 2)).State);
        await HostPair.SucceedAsync(pair.Second, await pair.Second.AskAsync(id, VmOperations.Start, PowerWanted.Running));
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        Assert.Contains("LoadMemory", pair.SecondEngine.Guest(Guid.Parse(id)).Calls);
    }

    /// <summary>Cancelling is winning the ABORT; the guest does not notice.</summary>
    [Fact]
    public async Task ACancelledMigrationLeavesTheGuestAlone()
    {
        await using var pair = await HostPair.CreateAsync();
        var (id, guest, operation) = await pair.HoldAsync(MigrationPhase.Active);
        await pair.First.CancelAsync(operation);
        Assert.Equal(OperationPhase.Cancelled, (await pair.First.EndOfAsync(operation)).Phase);
        await pair.AssertAtRestAsync(id, pair.First, epoch: 1);

        // The next one is not held up by what the first has left.
        guest.HoldMigrationAt(null);
        await HostPair.SucceedAsync(pair.First, await pair.First.MigrateAsync(id, pair.Second));
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
    }

    [Fact]
    public async Task AForcedStopOverrulesAMigration()
    {
        await using var pair = await HostPair.CreateAsync();
        var (id, _, operation) = await pair.HoldAsync(MigrationPhase.Active);
        await HostPair.SucceedAsync(pair.First, await pair.First.AskAsync(id, VmOperations.Stop, PowerWanted.Stopped));
        Assert.Equal("migration.overruled", (await pair.First.EndOfAsync(operation)).Failure!.Code);
        Assert.Equal(VmState.Stopped, (await pair.First.StateAsync(id, VmState.Stopped)).State);
        Assert.Empty(pair.Wire.Doubled);
    }

    /// <summary>The cut last handshake too: the target has everything, and the source has failed and runs on by itself.</summary>
    [Theory]
    [InlineData(MigrationPhase.Active)]
    [InlineData(MigrationPhase.Device)]
    public async Task ALinkThatIsCutLeavesTheGuestAtTheSource(MigrationPhase phase)
    {
        await using var pair = await HostPair.CreateAsync();
        var (id, _, operation) = await pair.HoldAsync(phase);
        pair.Wire.Cut();
        Assert.Equal(OperationPhase.Failed, (await pair.First.EndOfAsync(operation)).Phase);
        await pair.AssertAtRestAsync(id, pair.First, epoch: 1);
    }

    /// <summary>Postmigrate at the source, and the target is gone before its commit: ABORT, then <c>cont</c> here.</summary>
    [Fact]
    public async Task ATargetThatDiesBeforeItsCommitGivesTheGuestBack()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        pair.SecondEngine.OnStarted = arriving => arriving.OnCall = call =>
        {
            // The last call before the commit, when it has everything.
            if (call == "QueryMigration" && arriving.QueryMigration().IsLoaded) arriving.Die(signal: 9);
            return Task.CompletedTask;
        };
        string operation = await pair.First.MigrateAsync(id, pair.Second);
        Assert.Equal(OperationPhase.Failed, (await pair.First.EndOfAsync(operation)).Phase);
        await pair.AssertAtRestAsync(id, pair.First, epoch: 1);
        Assert.Equal(RunState.Running, pair.FirstEngine.Guest(Guid.Parse(id)).State);
    }

    /// <summary>Committed, and never let run: HAND-BACK; the same process goes on at the source, two epochs later.</summary>
    [Fact]
    public async Task ATargetThatDiesAfterItsCommitHandsTheGuestBack()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        var guest = pair.FirstEngine.Guest(Guid.Parse(id));
        pair.SecondEngine.OnStarted = arriving => arriving.OnCall = call =>
        {
            if (call != "Continue") return Task.CompletedTask;
            arriving.Die(signal: 9);
            throw new QmpClosedException("Continue: the process has ended.");
        };
        string operation = await pair.First.MigrateAsync(id, pair.Second);
        Assert.Equal("migration.refused", (await pair.First.EndOfAsync(operation)).Failure!.Code);
        await pair.AssertAtRestAsync(id, pair.First, epoch: 3);
        Assert.Same(guest, pair.FirstEngine.Guest(Guid.Parse(id)));
    }

    /// <summary>The source's file system may hold a disk's lock for a while.</summary>
    [Fact]
    public async Task ARefusalToRunIsTriedAgain()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        int tries = 0;
        pair.SecondEngine.OnStarted = arriving => arriving.OnCall = call =>
        {
            if (call == "Continue") arriving.ContinueRefusal = ++tries < 3 ? "Failed to get \"write\" lock" : null;
            return Task.CompletedTask;
        };
        await HostPair.SucceedAsync(pair.First, await pair.First.MigrateAsync(id, pair.Second));
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        Assert.Equal(3, tries);
    }

    [Fact]
    public async Task AGuestThatDiesOnItsWayStartsAnewWhereItWas()
    {
        await using var pair = await HostPair.CreateAsync();
        var (id, guest, operation) = await pair.HoldAsync(MigrationPhase.Active);
        guest.Die(signal: 9);
        Assert.Equal("migration.guestEnded", (await pair.First.EndOfAsync(operation)).Failure!.Code);
        await pair.First.StatusAsync(id, status => status is { State: VmState.Running, Run: 2 });
        await pair.AssertAtRestAsync(id, pair.First, epoch: 1);
    }

    /// <summary>Its word is given, and the target has everything.</summary>
    [Fact]
    public async Task ASourceThatDiesAfterTheCommitIsNotMissed()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        var guest = pair.FirstEngine.Guest(Guid.Parse(id));
        pair.SecondEngine.OnStarted = arriving => arriving.OnCall = call =>
        {
            if (call == "Continue") guest.Die(signal: 9);
            return Task.CompletedTask;
        };
        await HostPair.SucceedAsync(pair.First, await pair.First.MigrateAsync(id, pair.Second));
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        Assert.Equal(1, (await pair.Second.StatusAsync(id, status => status.State == VmState.Running)).Run);
    }

    /// <summary>It may have run there: what the source has is of an older time, and never runs again.</summary>
    [Fact]
    public async Task AGuestThatMayHaveRunAtTheTargetIsNotTakenBack()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        pair.SecondEngine.OnStarted = arriving => arriving.OnCall = call =>
        {
            if (call == "Announce") arriving.Die(signal: 9);
            if (call == "Announce") pair.SecondEngine.OnStarted = null;
            return Task.CompletedTask;
        };
        await HostPair.SucceedAsync(pair.First, await pair.First.MigrateAsync(id, pair.Second));
        var status = await pair.Second.StatusAsync(id, status => status is { State: VmState.Running, Epoch: 2, Run: 2 });
        Assert.Equal(pair.Second.Id, status.Host);
        Assert.DoesNotContain(pair.FirstEngine.Guests, guest => guest.IsAlive);
        Assert.Empty(pair.Wire.Doubled);
    }

    /// <summary>What the target cannot make is said, and nothing has happened.</summary>
    [Fact]
    public async Task ATargetThatCannotMakeItsQemuSaysWhy()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        pair.SecondEngine.OnStart = _ => throw new VmEngineException(VmEngineFailure.HostResource, "No memory for it.", "Add some.");
        var ended = await pair.First.EndOfAsync(await pair.First.MigrateAsync(id, pair.Second));
        Assert.Contains("No memory for it.", ended.Failure!.Message, StringComparison.Ordinal);
        await pair.AssertAtRestAsync(id, pair.First, epoch: 1);
    }

    [Fact]
    public async Task EverythingThatStandsInTheWayIsNamedAtOnce()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync(HostPair.Small with { MemoryMiB = 3000 });
        await pair.First.LaunchOnAsync(pair.Second, HostPair.Small with { Name = "big", MemoryMiB = 7000 });
        await HostPair.SucceedAsync(pair.First, await pair.First.AskAsync(id, VmOperations.Pause, PowerWanted.Paused));
        var codes = pair.First.Blockers(id, pair.Second);
        Assert.Contains("host.memoryFull", codes);
        codes = pair.First.Blockers(id, pair.First);
        Assert.Contains("migration.sameHost", codes);
        await HostPair.SucceedAsync(pair.First, await pair.First.AskAsync(id, VmOperations.Resume, PowerWanted.Running));
        Assert.Contains("host.memoryFull", pair.First.Blockers(id, pair.Second));
    }

    /// <summary>Both daemons die in the middle, and both start anew.</summary>
    [Theory]
    [InlineData(MigrationPhase.Active)]
    [InlineData(MigrationPhase.Device)]
    public async Task DaemonsThatDieInTheMiddleGoOnFromTheRecord(MigrationPhase phase)
    {
        await using var pair = await HostPair.CreateAsync();
        var (id, guest, operation) = await pair.HoldAsync(phase);
        await pair.First.StopDaemonAsync();
        await pair.Second.StopDaemonAsync();
        guest.HoldMigrationAt(null);
        await pair.Second.StartDaemonAsync();
        await pair.First.StartDaemonAsync();
        var ended = await pair.First.EndOfAsync(operation).WaitAsync(Patience, TestContext.Current.CancellationToken);
        bool moved = ended.Phase == OperationPhase.Succeeded;
        await pair.AssertAtRestAsync(id, moved ? pair.Second : pair.First, moved ? 2 : 1);
    }
}
