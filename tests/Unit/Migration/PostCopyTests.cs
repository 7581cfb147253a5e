using Lamina.Api;
using Lamina.Engine.Migration;
using Lamina.Engine.Qmp;
using Lamina.Server.Control;
using Lamina.Server.Migration;
using Lamina.Server.Vms.Run;
using Lamina.Testing.Engine;
using Lamina.Testing.Vms;

namespace Lamina.Tests.Unit.Migration;

/// <summary>Two hosts on one store: a guest that writes faster than the link carries goes over in post-copy, or the loss of its memory is said.</summary>
public class PostCopyTests
{
    [Fact]
    public async Task WithoutLeaveItIsGivenUpAndTheGuestRunsOn()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        var guest = pair.FirstEngine.Guest(Guid.Parse(id));
        guest.HoldMigrationAt(MigrationPhase.Active);
        guest.Migration.Outrun();
        guest.Migration.ThrottlePercent = 99;
        guest.Migration.Passes = 40;
        var ended = await pair.First.EndOfAsync(await pair.First.MigrateAsync(id, pair.Second));
        Assert.Equal("migration.notConverging", ended.Failure!.Code);
        Assert.Contains(ended.Log, line => line.Contains("slowed down by 99 %", StringComparison.Ordinal));
        await pair.AssertAtRestAsync(id, pair.First, epoch: 1);
        Assert.Contains(await pair.First.EventsAsync(id), happened => happened.Kind == "vm.migrationFailed" && happened.Message.Contains("writes", StringComparison.Ordinal));
    }

    [Fact]
    public async Task WithLeaveItGoesOnThereAndTheRestFollows()
    {
        await using var pair = await HostPair.CreateAsync();
        var (id, guest, operation) = await RunsThereAsync(pair);
        guest.HoldMigrationAt(null);
        await HostPair.SucceedAsync(pair.First, operation);
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        Assert.Contains(await pair.First.EventsAsync(id), happened => happened.Kind == "vm.postCopy");

        // And it is in the hands of its new host's plan.
        await HostPair.SucceedAsync(pair.First, await pair.First.AskAsync(id, VmOperations.Pause, PowerWanted.Paused));
    }

    /// <summary>It was allowed, and precopy got through.</summary>
    [Fact]
    public async Task ItDoesNotComeToItWhereItIsNotNeeded()
    {
        await using var pair = await HostPair.CreateAsync();
        string id = await pair.LaunchAsync();
        await HostPair.SucceedAsync(pair.First, await pair.First.MigrateAsync(id, pair.Second, Allow));
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        Assert.DoesNotContain(await pair.First.EventsAsync(id), happened => happened.Kind == "vm.postCopy");
    }

    [Fact]
    public async Task ALinkThatComesBackIsTakenUpAgain()
    {
        await using var pair = await HostPair.CreateAsync();
        var (id, guest, operation) = await RunsThereAsync(pair);
        pair.Wire.Cut();
        await guest.ReachedAsync(MigrationPhase.PostCopyPaused, TestContext.Current.CancellationToken);
        await pair.First.WaitForAsync([Keys.Vms.HandoverTarget], snapshot => snapshot.Get(Keys.Vms.HandoverTarget, id)?.Record.Recoveries > 0);
        guest.HoldMigrationAt(null);
        pair.Wire.Mend();
        await HostPair.SucceedAsync(pair.First, operation);
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
        Assert.Contains(await pair.First.EventsAsync(id), happened => happened.Kind == "vm.postCopyBroken");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ADaemonThatDiesMeanwhileTakesItUpFromTheRecord(bool atSource)
    {
        await using var pair = await HostPair.CreateAsync();
        var (id, guest, operation) = await RunsThereAsync(pair);
        var victim = atSource ? pair.First : pair.Second;
        await victim.StopDaemonAsync();
        pair.Wire.Cut();
        pair.Wire.Mend();
        guest.HoldMigrationAt(null);
        await victim.StartDaemonAsync();
        await HostPair.SucceedAsync(pair.First, operation);
        await pair.AssertAtRestAsync(id, pair.Second, epoch: 2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AProcessThatDiesTakesTheMemoryWithItAndTheVmStartsFromItsDisks(bool atSource)
    {
        await using var pair = await HostPair.CreateAsync();
        var (id, guest, operation) = await RunsThereAsync(pair);
        (atSource ? guest : pair.SecondEngine.Guest(Guid.Parse(id))).Die(signal: 9);
        var ended = await pair.First.EndOfAsync(operation);
        Assert.Equal("migration.memoryLost", ended.Failure!.Code);
        var status = await pair.Second.StatusAsync(id, status => status is { State: VmState.Running, Epoch: 2, Run: 2 });
        Assert.Equal(pair.Second.Id, status.Host);
        Assert.Contains(await pair.First.EventsAsync(id), happened => happened.Kind == "vm.crashed" && happened.Message.Contains("memory was lost", StringComparison.Ordinal));
        Assert.DoesNotContain(pair.FirstEngine.Guests, other => other.IsAlive);
        Assert.Empty(pair.Wire.Doubled);
    }

    [Fact]
    public async Task WhenTheTimeIsOverBothEndAndTheMemoryIsLost()
    {
        await using var pair = await HostPair.CreateAsync();
        await new StoreChange("test").Create(Keys.MigrationSettings, "", new MigrationSettings { PostCopyPatienceSeconds = 1 }).CommitAsync(pair.First.Store, TimeProvider.System, TestContext.Current.CancellationToken);
        var (id, _, operation) = await RunsThereAsync(pair);
        pair.Wire.Cut();
        Assert.Equal("migration.memoryLost", (await pair.First.EndOfAsync(operation)).Failure!.Code);
        await pair.Second.StatusAsync(id, status => status is { State: VmState.Running, Epoch: 2, Run: 2 });
        Assert.DoesNotContain(pair.FirstEngine.Guests, other => other.IsAlive);
        Assert.Empty(pair.Wire.Doubled);
    }

    /// <summary>The target dies after COMMIT and before it ran anything: the guest has never left, and goes on at the source.</summary>
    [Fact]
    public async Task ATargetThatDiesBeforeItRanGivesTheGuestBack()
    {
        await using var pair = await HostPair.CreateAsync();
        var (id, guest, operation) = await HoldAsync(pair, MigrationPhase.PreSwitchover, guest => guest.OnCall = call =>
        {
            // The first call after the commit.
            if (call == "ContinueSwitchover") pair.SecondEngine.Guest(guest.Definition.Id).Die(signal: 9);
            return Task.CompletedTask;
        });
        Assert.NotEqual(OperationPhase.Succeeded, (await pair.First.EndOfAsync(operation)).Phase);
        var status = await pair.First.StatusAsync(id, status => status.State == VmState.Running);
        Assert.Equal(pair.First.Id, status.Host);
        Assert.Same(guest, pair.FirstEngine.Guest(Guid.Parse(id)));
        Assert.Empty(pair.Wire.Doubled);
    }

    /// <summary>In post-copy, and not told to run there yet: nothing has run at the target, and there is no way back to what the source has. The VM stays where it was, without its memory.</summary>
    [Fact]
    public async Task ATargetThatDiesInPostCopyBeforeItRanLeavesTheVmWithoutItsMemory()
    {
        await using var pair = await HostPair.CreateAsync();
        pair.SecondEngine.OnStarted = arriving => arriving.OnCall = call =>
        {
            if (call != "Continue") return Task.CompletedTask;
            pair.SecondEngine.OnStarted = null;
            arriving.Die(signal: 9);
            throw new QmpClosedException("Continue: the process has ended.");
        };
        var (id, guest, operation) = await HoldAsync(pair, MigrationPhase.PostCopyActive, _ => { });
        var ended = await pair.First.EndOfAsync(operation);
        Assert.Equal("migration.memoryLost", ended.Failure!.Code);
        var status = await pair.First.StatusAsync(id, status => status is { State: VmState.Running, Epoch: 3, Run: 2 });
        Assert.Equal(pair.First.Id, status.Host);
        Assert.False(guest.IsAlive);
        Assert.DoesNotContain(pair.SecondEngine.Guests, other => other.IsAlive);
        Assert.Contains(await pair.First.EventsAsync(id), happened => happened is { Kind: "vm.migrationFailed", Severity: EventSeverity.Error } && happened.Message.Contains("memory is lost", StringComparison.Ordinal));
        Assert.Empty(pair.Wire.Doubled);
    }

    /// <summary>The cut last handshake after COMMIT: precopy got through after all, the target has everything, and the source has failed and run on by itself.</summary>
    [Fact]
    public async Task TheCutLastHandshakeGivesTheGuestBackToTheSource()
    {
        await using var pair = await HostPair.CreateAsync();
        var (id, guest, operation) = await HoldAsync(pair, MigrationPhase.Active, guest => guest.Migration.ConvergesAfterAll = guest.Migration.LosesLastHandshake = true);
        guest.HoldMigrationAt(null);
        Assert.NotEqual(OperationPhase.Succeeded, (await pair.First.EndOfAsync(operation)).Phase);
        await pair.AssertAtRestAsync(id, pair.First, epoch: 3);
        Assert.Same(guest, pair.FirstEngine.Guest(Guid.Parse(id)));
    }

    private static MigrationRequest Allow(MigrationRequest request) => request with { AllowPostCopy = true };

    /// <summary>A guest that runs at the second host, in post-copy, with memory at the first.</summary>
    private static async Task<(string Id, FakeGuest Guest, string Operation)> RunsThereAsync(HostPair pair)
    {
        var held = await HoldAsync(pair, MigrationPhase.PostCopyActive, _ => { });
        await pair.Second.StatusAsync(held.Id, status => status is { State: VmState.Running, Epoch: 2 });
        Assert.Equal(RunState.Running, pair.SecondEngine.Guest(Guid.Parse(held.Id)).State);
        return held;
    }

    private static async Task<(string Id, FakeGuest Guest, string Operation)> HoldAsync(HostPair pair, MigrationPhase phase, Action<FakeGuest> change)
    {
        string id = await pair.LaunchAsync();
        var guest = pair.FirstEngine.Guest(Guid.Parse(id));
        change(guest);
        guest.Migration.NeedsPostCopy = true;
        guest.Migration.Outrun();
        guest.HoldMigrationAt(phase);
        string operation = await pair.First.MigrateAsync(id, pair.Second, Allow);
        await guest.ReachedAsync(phase, TestContext.Current.CancellationToken);
        return (id, guest, operation);
    }
}
